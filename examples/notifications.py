"""The list of what is new: unread messages and mentions by room, the same on a phone and a laptop.

Counts come from `GET rooms/` and go on with the events; `room.me` says what another device has read, and
`mention` what to ring for. Notices may be lost, so each time the line is back the list is read again.
`python -m examples.notifications [URL]` shows Ada's two devices while Bob writes.
"""

import asyncio
import itertools
import uuid

from examples.client import Json, Parley
from examples.running import run


class Row:
    """One room of the list. Events up to `last_seq` are in the counts; `asked` is the number of the question."""

    def __init__(self, room: Json, asked: int) -> None:
        self.name, self.last_seq, self.asked = room["name"], room["last_seq"], asked
        self.unread, self.mentions = room["me"]["unread_count"], room["me"]["mention_count"]

    def counts(self) -> tuple[int, int]:
        """Unread messages and unread mentions."""
        return self.unread, self.mentions


class Notifications:
    """One device's list; `rung` are the texts it rang for."""

    def __init__(self, client: Parley) -> None:
        self.rows: dict[str, Row] = {}
        self.rung: list[str] = []
        self.moved = asyncio.Event()
        self.client = client
        self._questions = itertools.count()
        client.on_event, client.on_hint = self._event, self._hint
        client.on_ready = self._again

    def counts(self) -> dict[str, tuple[int, int]]:
        """Unread messages and mentions by room."""
        return {room: row.counts() for room, row in self.rows.items()}

    async def load(self) -> None:
        """Read the list anew."""
        cursor, asked = "", next(self._questions)
        while True:
            page = await self.client.rest("GET", f"rooms/?limit=200{cursor}")
            for room in page["results"]:
                self._show(room, asked)
            if page["next_cursor"] is None:
                return
            cursor = f"&cursor={page['next_cursor']}"

    async def load_one(self, room: str) -> None:
        """Read one room anew."""
        asked = next(self._questions)
        self._show(await self.client.rest("GET", f"rooms/{room}/"), asked)

    def _show(self, room: Json, asked: int) -> None:
        known = self.rows.get(room["id"])
        if known is not None and known.asked > asked:  # the answer to a later question was here before
            return
        # Events overtook the answer, whether they were counted or came before the room was in the list.
        if self.client.positions.get(room["id"], 0) > room["last_seq"]:
            self.client.spawn(self.load_one(room["id"]))
        else:
            self.rows[room["id"]] = Row(room, asked)
            self.moved.set()

    def _again(self) -> None:
        self.client.spawn(self.load())

    async def read(self, room: str) -> None:
        """Everything up to what this device shows is read; the other devices are told."""
        await self.client.ask("read", room=room, seq=self.client.positions[room])

    def _event(self, frame: Json) -> None:
        row = self.rows.get(frame["room"])
        if row is None or frame["seq"] <= row.last_seq:
            return
        row.last_seq = frame["seq"]
        self.moved.set()
        if frame["type"] == "message.created":
            message, me = frame["data"]["message"], self.client.user["id"]
            if message["author"]["id"] == me:
                row.unread = row.mentions = 0
            else:
                row.unread = min(row.unread + 1, 100)
                row.mentions = min(row.mentions + (me in message["mentions"]), 100)
        elif frame["type"] == "message.deleted":
            self._again()  # whether it was unread only the server knows

    def _hint(self, frame: Json) -> None:
        if frame["type"] != "notice":
            return
        kind, data = frame["notice"], frame["data"]
        if kind == "room.me" and data["room_id"] in self.rows:
            self.client.spawn(self.load_one(data["room_id"]))  # its counts are of a moment between events
        elif kind == "room.added":
            self._again()
        elif kind == "room.removed":
            self.rows.pop(data["room_id"], None)
        elif kind == "mention":
            self.rung.append(data["message"]["body"])


async def play(url: str) -> tuple[Notifications, Notifications, dict[str, tuple[int, int]]]:
    """Bob writes into three rooms; Ada reads on her phone, and her laptop loses the line.

    Both devices' lists in the end, and what the server says by then.
    """
    name = uuid.uuid4().hex[:8]
    phone = await Parley.log_in(url, f"ada-{name}", "correct horse", register=True)
    bob = await Parley.log_in(url, f"bob-{name}", "correct horse", register=True)
    laptop = phone.another()
    lists = Notifications(phone), Notifications(laptop)
    rooms: list[str] = []
    for client in (phone, laptop, bob):
        await client.start()
    for number in range(3):
        made = {"kind": "private", "name": f"Room {number}", "members": [phone.user["id"]]}
        rooms.append((await bob.rest("POST", "rooms/", made))["id"])
    for turn in range(12):
        text = f"@ada-{name} look, {turn}" if turn % 4 == 0 else f"line {turn}"
        await bob.send(rooms[turn % 3], text)
        if turn == 5:
            laptop.cut()
            head = (await phone.rest("GET", f"rooms/{rooms[0]}/"))["last_seq"]
            await phone.reach(rooms[0], head)
            await lists[0].read(rooms[0])
    told: dict[str, tuple[int, int]] = {}
    for client in (phone, laptop):
        await client.ready.wait()
    for room in rooms:
        now = await phone.rest("GET", f"rooms/{room}/")
        told[room] = now["me"]["unread_count"], now["me"]["mention_count"]
        for client in (phone, laptop):
            await client.reach(room, now["last_seq"])
    for one in lists:
        while one.counts() != told:
            one.moved.clear()
            await one.moved.wait()
    for client in (phone, laptop, bob):
        await client.stop()
    return *lists, told


async def main(url: str) -> None:
    """Show both lists."""
    phone, laptop, told = await asyncio.wait_for(play(url), 60)
    for device, one in (("phone", phone), ("laptop", laptop)):
        print(device, {row.name: row.counts() for row in one.rows.values()}, "rang for", one.rung)
    print("Both show what the server says:", sorted(told.values()))


if __name__ == "__main__":
    run(__doc__, main)
