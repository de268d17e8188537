"""A text that two people write at once: operations are messages, cursors are signals.

The log gives every operation a number, the same for everybody. So each client applies the same operations in
the same order, and moves what was typed meanwhile along: operational transformation, with one message under
way a client, as in Google Wave. `python -m examples.shared_editor [URL]` lets Ada and Bob type at random.
"""

import asyncio
import random
import uuid
from typing import NamedTuple

from examples.client import Json, Parley
from examples.running import run


class Op(NamedTuple):
    """Insert `text` at `at`, or delete `cut` characters from there."""

    at: int
    text: str = ""
    cut: int = 0

    def apply(self, document: str) -> str:
        """The document afterwards."""
        return document[: self.at] + self.text + document[self.at + self.cut :]

    def after(self, other: "Op", *, first: bool) -> list["Op"]:
        """The same intention once `other` was applied. Of two inserts in one place the `first` is to the left."""
        if other.text:
            size = len(other.text)
            if self.at > other.at or (self.at == other.at and not (self.text and first)):
                return [self._replace(at=self.at + size)]
            if self.at + self.cut > other.at:  # inserted into what I delete: that stays
                left = other.at - self.at
                return [Op(self.at, cut=left), Op(self.at + size, cut=self.cut - left)]
            return [self]
        end = other.at + other.cut
        at = self.at - max(0, min(self.at, end) - other.at)
        if self.text:
            return [Op(at, self.text)]
        both = max(0, min(self.at + self.cut, end) - max(self.at, other.at))
        return [Op(at, cut=self.cut - both)] if self.cut > both else []


def transform(later: list[Op], earlier: list[Op]) -> tuple[list[Op], list[Op]]:
    """Both begin at one document: `later` as they are after `earlier`, and the other way round."""
    if not later or not earlier:
        return later, earlier
    if len(later) == len(earlier) == 1:
        mine, others = later[0], earlier[0]
        return mine.after(others, first=False), others.after(mine, first=True)
    if len(later) == 1:
        moved, one = transform(later, earlier[:1])
        moved, rest = transform(moved, earlier[1:])
        return moved, one + rest
    begun, earlier = transform(later[:1], earlier)
    rest, earlier = transform(later[1:], earlier)
    return begun + rest, earlier


class Editor:
    """One person's window on the text of a room."""

    def __init__(self, client: Parley, room: str) -> None:
        self.text = ""  # as the log has it
        self.cursors: dict[str, int] = {}  # by user id
        self.saved = asyncio.Event()
        self.saved.set()
        self._client, self._room = client, room
        self._log: list[tuple[int, str, list[Op]]] = []  # seq, author, and the operations as applied
        self._sent: list[Op] = []  # on their way to the log …
        self._typed: list[Op] = []  # … and those that wait for them
        client.on_event, client.on_hint = self._event, self._hint

    @property
    def shown(self) -> str:
        """What this person sees: the log's text, and what they have just typed."""
        text = self.text
        for op in self._sent + self._typed:
            text = op.apply(text)
        return text

    def type(self, op: Op) -> None:
        """Change what is shown. It is `saved` once it is in the log."""
        self._typed.append(op)
        self.saved.clear()
        self._push()

    async def point(self, at: int) -> None:
        """Show the others where my cursor is: a hint, never stored, and perhaps lost."""
        await self._client.hint("signal", room=self._room, name="cursor", data={"at": at})

    def _push(self) -> None:
        if not self._sent and self._typed:
            self._sent, self._typed = self._typed, []
            base = self._log[-1][0] if self._log else 0
            change = {"base": base, "ops": [list(op) for op in self._sent]}
            self._client.spawn(self._client.send(self._room, "edit", metadata=change))

    def _event(self, frame: Json) -> None:
        if frame["type"] != "message.created" or frame["room"] != self._room:
            return
        message = frame["data"]["message"]
        author, change = message["author"]["id"], message["metadata"]
        ops = [Op(*op) for op in change["ops"]]
        for seq, other, before in self._log:
            if seq > change["base"] and other != author:
                ops, _ = transform(ops, before)
        for op in ops:
            self.text = op.apply(self.text)
        self._log.append((message["seq"], author, ops))
        if author == self._client.user["id"]:
            self._sent = []
            self._push()
            if not self._sent:
                self.saved.set()
        else:
            self._sent, ops = transform(self._sent, ops)
            self._typed, _ = transform(self._typed, ops)

    def _hint(self, frame: Json) -> None:
        if frame["type"] == "signal" and frame["name"] == "cursor":
            self.cursors[frame["user"]] = frame["data"]["at"]


def anything(editor: Editor) -> Op:
    """A random keystroke or deletion."""
    size = len(editor.shown)
    if size > 10 and random.random() < 0.3:
        at = random.randrange(size - 2)
        return Op(at, cut=random.randint(1, 3) if at + 3 <= size else 1)
    return Op(random.randint(0, size), random.choice(["steam ", "cog ", "mill ", "x", "\n"]))


async def play(url: str, *, strokes: int = 40, cuts: int = 2) -> tuple[Editor, Editor]:
    """Ada and Bob type at once; each loses the line `cuts` times. Both editors, when all is saved."""
    name = uuid.uuid4().hex[:8]
    ada = await Parley.log_in(url, f"ada-{name}", "correct horse", register=True)
    bob = await Parley.log_in(url, f"bob-{name}", "correct horse", register=True)
    room = await ada.rest(
        "POST", "rooms/", {"kind": "private", "name": "A poem", "members": [bob.user["id"]]}
    )
    editors = Editor(ada, room["id"]), Editor(bob, room["id"])
    for client in (ada, bob):
        client.positions[room["id"]] = 0  # from the beginning of the room
        await client.start()
    breaks = {strokes * (turn + 1) // (cuts + 1) for turn in range(cuts)}
    for stroke in range(strokes):
        for editor in editors:
            editor.type(op := anything(editor))
            await editor.point(op.at)
        await asyncio.sleep(random.uniform(0, 0.02))
        if stroke in breaks:
            ada.cut()
            bob.cut()
    for client, editor in zip((ada, bob), editors, strict=True):
        await editor.saved.wait()
        await client.ready.wait()
    head = (await ada.rest("GET", f"rooms/{room['id']}/"))["last_seq"]
    for client in (ada, bob):
        await client.reach(room["id"], head)
        await client.stop()
    return editors


async def main(url: str) -> None:
    """Play, and show what both see."""
    ada, bob = await play(url)
    print(ada.shown)
    print("Both see the same." if ada.shown == bob.shown else "They differ!")


if __name__ == "__main__":
    run(__doc__, main)
