"""What people do in tests/contract/test_state_machine.py: each act asks Parley, and holds its answer against the model."""

import asyncio
import itertools
from datetime import timedelta
from typing import Any, NamedTuple

from accounts import services as accounts
from common import clock
from tests.api import PASSWORD, Person
from tests.client.device import Device
from tests.client.socket import Refused
from tests.contract.model import Place, World

ROOMS_MOST = 3
WITHIN_S = 10.0

ACTS = (
    *("send",) * 12,  # first, because Hypothesis begins with an example of nothing else
    *("create", "create", "open_direct", "update", "update", "delete"),
    *("add", "join", "set_role", "mute", "block", "ban") * 3,
    *("leave", "remove", "unmute", "lift", "unblock") * 2,
    *("edit",) * 8,
    *("read", "switch") * 4,
    *("send_again", "erase", "set_mine", "typing", "signal", "follow") * 2,
    "end_session",
)
"""Each as often as it is to be done."""


class Step(NamedTuple):
    """One act: `who` does it in `place`, mostly of theirs, to `other`. `which` picks what else is to be picked."""

    place: Place
    who: str
    other: str
    which: int
    role: str
    over_socket: bool

    @property
    def at(self) -> str:
        return f"rooms/{self.place.id}/"


class Acts:
    """All acts; `people` and `devices` are by name."""

    people: dict[str, Person]
    devices: dict[str, Device]
    world: World
    runner: asyncio.Runner
    numbers: "itertools.count[int]"
    switched_on_at: dict[str, int]

    def ask(self, who: str, method: str, path: str, body: Any = None) -> tuple[str, Any]:
        """`ok` or the code of the problem, and the body of the answer."""
        answer = self.people[who].call(method, path, body)
        return "ok" if answer.status < 300 else str(answer.code), answer.body

    def tell(self, s: Step, kind: str, rest: tuple[Any, ...], **fields: Any) -> tuple[str, Any]:
        """As `ask`: over the socket if it is to be used and can be, else the REST call `(method, path, body)`."""
        device = self.devices.get(s.who)
        socket = device.client.socket if device is not None else None
        if socket is None or not s.over_socket:
            return self.ask(s.who, *rest)
        try:
            data = self.runner.run(socket.request(kind, room=s.place.id, **fields))
        except Refused as refused:
            return refused.code, None
        return "ok", data.get("message", data)

    def id_of(self, name: str) -> str:
        return self.people[name].id

    # Rooms

    def create(self, s: Step) -> None:
        if len(self.world.rooms) < ROOMS_MOST:
            self.make_room(s.who, ("public", "private")[s.which % 2], s.other)

    def make_room(self, who: str, kind: str, *others: str) -> None:
        body = {"kind": kind, "name": "Engine room", "members": [self.id_of(name) for name in others]}
        code, room = self.ask(who, "POST", "rooms/", body)
        assert code == "ok"
        self.world.create(who, kind, *others).id = room["id"]

    def open_direct(self, s: Step) -> None:
        if len(self.world.rooms) < ROOMS_MOST or self.world.direct(s.who, s.other):
            code, room = self.ask(s.who, "PUT", f"rooms/direct/{self.id_of(s.other)}/")
            assert code == self.world.open_direct(s.who, s.other)
            place = self.world.direct(s.who, s.other)
            if place is not None:
                assert place.id in ("", room["id"])
                place.id = room["id"]

    def update(self, s: Step) -> None:
        name, topic = ("Engine room", "Mill")[s.which % 2], ("", "Steam", "Cogs")[s.which % 3]
        code, _ = self.ask(s.who, "PATCH", s.at, {"name": name, "topic": topic})
        assert code == s.place.update(s.who, name, topic)

    def delete(self, s: Step) -> None:
        if s.which < 4:  # else there would soon be none
            assert self.ask(s.who, "DELETE", s.at)[0] == s.place.delete(s.who)

    # People in them

    def add(self, s: Step) -> None:
        code, _ = self.ask(s.who, "POST", f"{s.at}members/", {"user": self.id_of(s.other), "role": s.role})
        assert code == s.place.add(s.who, s.other, s.role)

    def join(self, s: Step) -> None:
        assert self.ask(s.other, "POST", f"{s.at}join/")[0] == s.place.join(s.other)

    def leave(self, s: Step) -> None:
        assert self.ask(s.who, "POST", f"{s.at}leave/")[0] == s.place.leave(s.who)

    def remove(self, s: Step) -> None:
        code, _ = self.ask(s.who, "DELETE", f"{s.at}members/{self.id_of(s.other)}/")
        assert code == s.place.remove(s.who, s.other)

    def set_role(self, s: Step) -> None:
        code, _ = self.ask(s.who, "PATCH", f"{s.at}members/{self.id_of(s.other)}/", {"role": s.role})
        assert code == s.place.set_role(s.who, s.other, s.role)

    def mute(self, s: Step) -> None:
        tomorrow = (clock.now() + timedelta(days=1)).isoformat()
        code, _ = self.ask(s.who, "PATCH", f"{s.at}members/{self.id_of(s.other)}/", {"muted_until": tomorrow})
        # Until another time than before: an event, muted or not.
        assert code == s.place.mute(s.who, s.other, tomorrow)

    def unmute(self, s: Step) -> None:
        code, _ = self.ask(s.who, "PATCH", f"{s.at}members/{self.id_of(s.other)}/", {"muted_until": None})
        assert code == s.place.mute(s.who, s.other, None)

    def ban(self, s: Step) -> None:
        code, _ = self.ask(s.who, "PUT", f"{s.at}bans/{self.id_of(s.other)}/", {})
        assert code == s.place.ban(s.who, s.other)

    def lift(self, s: Step) -> None:
        code, _ = self.ask(s.who, "DELETE", f"{s.at}bans/{self.id_of(s.other)}/")
        assert code == s.place.lift(s.who, s.other)

    def block(self, s: Step) -> None:
        assert self.ask(s.who, "PUT", f"users/me/blocks/{self.id_of(s.other)}/")[0] == self.world.block(
            s.who, s.other
        )

    def unblock(self, s: Step) -> None:
        code, _ = self.ask(s.who, "DELETE", f"users/me/blocks/{self.id_of(s.other)}/")
        assert code == self.world.unblock(s.who, s.other)

    # What is said

    def new_body(self, who: str, name: str | None = None) -> str:
        """No two messages say the same, so that it is seen which of them somebody was told."""
        said = f"text {next(self.numbers)} of {who}."
        return said if name is None else f"@{self.people[name].user.username}, {said}"

    def send(self, s: Step) -> None:
        name = s.other if s.which % 3 == 0 else None
        content: dict[str, Any] = {"client_id": f"c{next(self.numbers)}", "body": self.new_body(s.who, name)}
        if s.which % 4 == 1:
            said = [
                text.id
                for place in self.world.rooms
                for text in place.texts
                if s.which == 5 or place is s.place
            ]
            content["reply_to"] = said[s.which % len(said)] if said else None
        if s.which % 5 == 2:
            content["metadata"] = {"which": s.which}
        self._send(s, content, [] if name is None else [name])

    def send_again(self, s: Step) -> None:
        """What somebody has sent, the same or with another text."""
        text = s.place.pick(s.who, s.which)
        if text is not None:
            same = s.which % 2 and s.who == text.author
            self._send(s, text.sent if same else text.sent | {"body": self.new_body(s.who)}, [])

    def _send(self, s: Step, content: dict[str, Any], names: list[str]) -> None:
        code, message = self.tell(s, "message.send", ("POST", f"{s.at}messages/", content), **content)
        before = len(s.place.texts)
        assert code == s.place.send(s.who, content, names)
        if len(s.place.texts) > before:
            s.place.texts[-1].id = message["id"]
            assert message["seq"] == s.place.head

    def edit(self, s: Step) -> None:
        text = s.place.pick(s.who, s.which)
        if text is not None:
            name = s.other if s.which % 3 == 0 else None
            body = text.body if s.which == 1 and text.body else self.new_body(s.who, name)
            rest = ("PATCH", f"{s.at}messages/{text.id}/", {"body": body})
            code, _ = self.tell(s, "message.edit", rest, message=text.id, body=body)
            assert code == s.place.edit(s.who, text, body, [] if name is None else [name])

    def erase(self, s: Step) -> None:
        text = s.place.pick(s.who, s.which)
        if text is not None:
            rest = ("DELETE", f"{s.at}messages/{text.id}/")
            code, _ = self.tell(s, "message.delete", rest, message=text.id)
            assert code == s.place.erase(s.who, text)

    def read(self, s: Step) -> None:
        body = {"seq": max(0, s.place.head - s.which), "force": s.which % 3 == 0}
        code, data = self.tell(s, "read", ("POST", f"{s.at}read/", body), **body)
        assert code == s.place.read(s.who, **body)
        if code == "ok":
            assert data == {
                "last_read_seq": s.place.people[s.who].read,
                "unread_count": s.place.unread(s.who),
            }

    def set_mine(self, s: Step) -> None:
        mine = {"notifications": ("all", "mentions", "none")[s.which % 3], "favourite": s.which % 2 == 0}
        assert self.ask(s.who, "PATCH", f"{s.at}me/", mine)[0] == s.place.set_mine(s.who, **mine)

    def typing(self, s: Step) -> None:
        self._hint(s, "typing", active=s.which % 2 == 0)

    def signal(self, s: Step) -> None:
        self._hint(s, "signal", name="at", data={"step": self.world.step})

    def _hint(self, s: Step, kind: str, **fields: Any) -> None:
        device = self.devices.get(s.who)
        if device is not None and device.on:
            code, _ = self.tell(s._replace(over_socket=True), kind, (), **fields)
            assert code == s.place.hint(s.who)

    # Devices and sessions

    def owner_of_a_device(self, s: Step) -> str:
        return list(self.devices)[s.which % len(self.devices)]

    def switch(self, s: Step) -> None:
        who = self.owner_of_a_device(s)
        if self.devices[who].on:
            self.runner.run(self.devices[who].switch_off())
        else:
            self.switch_on(who)

    def switch_on(self, who: str) -> None:
        self.switched_on_at[who] = self.world.step
        self.runner.run(self.devices[who].switch_on())

    def follow(self, s: Step) -> None:
        """Eve, whose device follows what she asks for, asks for a room, hers or not."""
        device = self.devices["eve"]
        if device.on:
            line = self.runner.run(device.client.follow(s.place.id))
            assert line.get("code") == s.place.refusal("eve")

    def end_session(self, s: Step) -> None:
        """By logging out, or from the list; the socket is closed for good. Then they log in again."""
        who = self.owner_of_a_device(s)
        person, device = self.people[who], self.devices[who]
        was_on = device.on
        path = (
            ("POST", "auth/logout/") if s.over_socket else ("DELETE", f"auth/sessions/{person.session.id}/")
        )
        assert self.ask(who, *path) == ("ok", None)
        if was_on:
            assert self.runner.run(device.given_up(WITHIN_S)) == "session_ended"
            self.runner.run(device.switch_off())
        assert self.ask(who, "GET", "users/me/")[0] == "session_ended"
        opened = accounts.log_in(username=person.user.username, password=PASSWORD)
        self.people[who] = Person(opened.user, opened.session, opened.access, opened.refresh)
        device.rest.access = opened.access
        if was_on:
            self.switch_on(who)
