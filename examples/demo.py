"""Three people and a bot in one room, told as each of them sees it.

One column a person, one line a frame, at the moment it arrives: a conversation, a cut line and its resume, an edit
and a deletion while somebody is away, a message sent twice, a removal. In the end it checks that everybody holds
the same. `python3 dev.py demo [URL]` runs it.
"""

import asyncio
import sys
import textwrap
import uuid
from collections.abc import Awaitable, Callable

from examples.client import Json, Parley, Refused
from examples.running import run

PASSWORD = "correct horse battery"  # noqa: S105  of people who live for a minute
NAMES = ("Ada", "Bob", "Eve", "Clerk")
WIDTH = 30
COLOURS = ("\033[36m", "\033[33m", "\033[35m", "\033[32m")
BOLD, PLAIN = "\033[1m", "\033[0m"


class Screen:
    """Columns side by side, with colours where the output is a terminal."""

    def __init__(self, names: list[str], pause_s: float) -> None:
        self._names, self._pause_s = names, pause_s
        self._colours = sys.stdout.isatty()

    def heads(self) -> None:
        """Who is in which column."""
        print("  ".join(self._paint(n, name.ljust(WIDTH)) for n, name in enumerate(self._names)))
        print("  ".join("-" * WIDTH for _ in self._names))

    def show(self, column: int, text: str) -> None:
        """A line in one column."""
        for line in textwrap.wrap(text, WIDTH) or [""]:
            print(" " * (column * (WIDTH + 2)) + self._paint(column, line))

    async def tell(self, text: str) -> None:
        """What happens now, for whoever watches."""
        await asyncio.sleep(self._pause_s)
        bold = f"{BOLD}{text}{PLAIN}" if self._colours else text
        print(f"\n── {bold}\n")

    def _paint(self, column: int, text: str) -> str:
        return f"{COLOURS[column % len(COLOURS)]}{text}{PLAIN}" if self._colours else text


class Window:
    """What one of them sees, and the messages they hold."""

    def __init__(self, screen: Screen, column: int, client: Parley, names: dict[str, str]) -> None:
        """`names` are people's, by id: what an app has from `GET rooms/{id}/members/`."""
        self.messages: dict[str, Json] = {}
        self.names = names
        self.client = client
        self._screen, self._column = screen, column
        client.on_event, client.on_hint = self._event, self._hint

    def say(self, text: str) -> None:
        """A line of their own."""
        self._screen.show(self._column, text)

    def _event(self, frame: Json) -> None:
        data, number = frame["data"], f"#{frame['seq']} "
        if "message" in data:
            message = data["message"]
            held = self.messages.get(message["id"])
            if held is None or message["changed_seq"] > held["changed_seq"]:
                self.messages[message["id"]] = message
        self.say(number + self._words(frame))

    def _words(self, frame: Json) -> str:
        kind, data = frame["type"], frame["data"]
        if kind == "message.created":
            message = data["message"]
            edited = " (edited)" if message["edited_at"] else ""
            text = "(deleted)" if message["deleted_at"] else message["body"] + edited
            return f"{message['author']['display_name']}: {text}"
        if kind == "message.updated":
            return f"now reads: {data['message']['body'] or '(deleted)'}"
        if kind == "message.deleted":
            return f"{data['message']['author']['display_name']}'s message is deleted"
        if kind == "member.joined":
            return f"{data['member']['user']['display_name']} is in"
        if kind == "member.left":
            return f"{self.names[data['user']]} is out: {data['reason']}"
        return str(kind)

    def _hint(self, frame: Json) -> None:
        if frame["type"] == "typing" and frame["active"]:
            self.say(f"… {self.names[frame['user']]} is typing")
        elif frame["type"] == "unsubscribed":
            self.say(f"[out of the room: {frame['reason']}]")
        elif frame["type"] == "notice" and frame["notice"] == "mention":
            self.say("[ping! I am mentioned]")


def clerk(window: Window) -> None:
    """The bot: it answers a message that begins with `!count`, once, however often it sees it."""
    seen = window.client.on_event

    def look(frame: Json) -> None:
        seen(frame)
        message = frame["data"].get("message")
        if frame["type"] == "message.created" and message["body"].startswith("!count"):
            text = f"{len(window.messages)} messages so far."
            answer = window.client.send(
                frame["room"], text, client_id=f"answer-{message['id']}", reply_to=message["id"]
            )
            window.client.spawn(answer)

    window.client.on_event = look


async def demo(url: str, *, pause_s: float = 1.2) -> None:
    """The whole story. SystemExit with 1 where two of them end with different messages."""
    word = uuid.uuid4().hex[:6]
    people = [
        await Parley.log_in(url, f"{name}-{word}", PASSWORD, register=True) for name in ("ada", "bob", "eve")
    ]
    ada, bob, eve = people
    for person, name in zip(people, NAMES, strict=False):
        await person.rest("PATCH", "users/me/", {"display_name": name})
    bot = await ada.rest("POST", "bots/", {"username": f"clerk-{word}", "display_name": NAMES[3]})
    scopes = ["rooms:read", "messages:read", "messages:write"]
    token = await ada.rest("POST", f"bots/{bot['id']}/tokens/", {"name": "demo", "scopes": scopes})
    helper = Parley(url, token["token"])
    screen = Screen([*NAMES[:3], "Clerk, a bot"], pause_s)
    names = dict(zip([*(person.user["id"] for person in people), bot["id"]], NAMES, strict=True))
    windows = [Window(screen, column, client, names) for column, client in enumerate((*people, helper))]
    clerk(windows[3])
    for window in windows:
        await window.client.start()

    await screen.tell(
        "Ada opens a room for the four of them. Everything in it has a number, for all the same."
    )
    screen.heads()
    members = [person.user["id"] for person in (bob, eve)] + [bot["id"]]
    room = (await ada.rest("POST", "rooms/", {"kind": "private", "name": "Engine room", "members": members}))[
        "id"
    ]
    all_see = _everybody(room, windows)
    await all_see()

    await screen.tell("They talk. Typing is a hint; messages are stored before they are acknowledged.")
    await bob.ask("typing", room=room, active=True)
    await asyncio.sleep(pause_s / 2)
    first = await bob.send(room, "The mill is running.")
    await eve.send(room, f"@ada-{word} have you seen the cards?", reply_to=first["id"])
    await ada.send(room, "!count, please")
    await all_see()
    await asyncio.sleep(pause_s)

    await screen.tell(
        "Bob's line is cut. The others go on: Ada writes and corrects herself, Eve takes one back."
    )
    windows[1].say("[no line]")
    away, back = _tunnel(bob)
    away()
    slip = await ada.send(room, "The cards are in the libary.")
    regret = await eve.send(room, "I never liked that mill.")
    await ada.ask("message.edit", room=room, message=slip["id"], body="The cards are in the library.")
    await eve.ask("message.delete", room=room, message=regret["id"])
    mine = asyncio.create_task(bob.send(room, "Sent from the tunnel."))
    await asyncio.sleep(pause_s)

    await screen.tell(
        "Bob is back: every number he missed, in order, as it reads now. His own message goes out."
    )
    await back()
    await mine
    await all_see()

    await screen.tell(
        "Ada's app repeats a send whose answer was lost: the same client_id is the same message."
    )
    once = await ada.send(room, "Only once.", client_id="lost-answer")
    again = await ada.send(room, "Only once.", client_id="lost-answer")
    windows[0].say(f"[sent twice: #{once['seq']} and #{again['seq']}]")
    await all_see()

    await screen.tell("Ada takes Eve out. What follows is not for her.")
    await ada.rest("DELETE", f"rooms/{room}/members/{eve.user['id']}/")
    await ada.send(room, "Now we can talk.")
    everybody_else = _everybody(room, [windows[0], windows[1], windows[3]])
    await everybody_else()
    try:
        await eve.rest("GET", f"rooms/{room}/messages/")
    except Refused as refused:
        windows[2].say(f"[reading: {refused.code}]")

    held = [window.messages for window in (windows[0], windows[1], windows[3])]
    for window in windows:
        await window.client.stop()
    same = held[0] == held[1] == held[2]
    await screen.tell(
        f"Ada, Bob and the bot hold the same {len(held[0])} messages; Eve has none of the last."
        if same and not any(m["body"] == "Now we can talk." for m in windows[2].messages.values())
        else "They hold different messages: this is a bug."
    )
    if not same:
        raise SystemExit(1)


def _everybody(room: str, windows: list[Window]) -> Callable[[], Awaitable[None]]:
    """Waits until each of them has seen all of the room's log."""

    async def wait() -> None:
        head = (await windows[0].client.rest("GET", f"rooms/{room}/"))["last_seq"]
        for window in windows:
            await window.client.reach(room, head)

    return wait


def _tunnel(client: Parley) -> tuple[Callable[[], None], Callable[[], Awaitable[None]]]:
    """Goes into a tunnel, where no new line can be had, and comes out of it."""
    url = client.url

    def away() -> None:
        client.url = "http://127.0.0.1:9"  # nobody there
        client.cut()

    async def back() -> None:
        client.url = url
        await client.ready.wait()

    return away, back


if __name__ == "__main__":
    run(__doc__, demo)
