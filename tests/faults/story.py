"""The main scene: a room with senders, many kinds of subscribers and a stranger, and how it is judged."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Self

import httpx
import pytest

from tests.client.record import RoomRecord
from tests.client.rest import Problem, Rest
from tests.client.resuming import GivenUp, ResumingClient
from tests.client.socket import Auth, Socket
from tests.client.state import ClientState, Gap
from tests.client.strict_json import Json
from tests.faults.checker import Report, Stored, check
from tests.faults.cluster import Cluster
from tests.faults.people import People
from tests.faults.periods import HUB_CHECK_S
from tests.faults.traffic import Send, Traffic, by_rest

AUTHS: Sequence[Auth] = ("header", "subprotocol", "frame")
# One check of the hub, a reconnect after the longest back-off, a connect that was given up, and some air.
CATCH_UP_S = HUB_CHECK_S + 1.0 + 5.0 + 4.0


class Story:
    """A private room. `senders` make the traffic, half over REST and half by socket; `subscribers` watch.

    The subscribers come by every credential, some for all their rooms, some for this one, one on the room's own
    URL, one that keeps a state; two sockets a person. The stranger is registered and no member.
    """

    def __init__(self, cluster: Cluster, people: People) -> None:
        self.cluster = cluster
        self.people = people
        self.subscribers: dict[str, ResumingClient] = {}
        self.senders: list[Send] = []
        self.acked: list[str] = []
        self.owner: Rest
        self.room: str
        self.state: ClientState
        self.stranger: ResumingClient
        self._stranger_records: dict[str, RoomRecord | None] = {}

    async def open(self, *, senders: int = 4, subscribers: int = 20) -> Self:
        everyone = await self.people.crowd("ada", senders + (subscribers + 1) // 2)
        self.owner, writers, watchers = everyone[0], everyone[:senders], everyone[senders:]
        room = await self.owner.create_room(members=[rest.user_id for rest in everyone[1:]])
        self.room = room["id"]
        head = (await self.owner.room(self.room))["last_seq"]
        for index in range(subscribers):
            self._subscriber(index, watchers[index // 2], head)
        for index, rest in enumerate(writers):
            if index % 2:
                client = self.subscribers[f"sender {index}"] = ResumingClient(rest)
                self.senders.append(client.send)
            else:
                self.senders.append(by_rest(rest))
        await self._keep_state()
        await asyncio.gather(*(client.start() for client in self.subscribers.values()))
        await self._bring_stranger()
        return self

    def _subscriber(self, index: int, rest: Rest, head: int) -> None:
        auth = AUTHS[index % 3]
        if index == 0:
            client, kind = ResumingClient(rest, room_url=self.room, auth=auth), "room URL"
        elif index % 2:
            client, kind = ResumingClient(rest, rooms=[self.room], auth=auth), "one room"
        else:
            client, kind = ResumingClient(rest, rooms="all", since={self.room: head}, auth=auth), "all"
        self.subscribers[f"{index} {kind} by {auth}"] = client

    async def _keep_state(self) -> None:
        self.state = await ClientState.from_rest(self.owner, self.room)
        since = self.state.rooms[self.room].position
        self.subscribers["state"] = ResumingClient(
            self.owner, rooms=[self.room], since={self.room: since}, on_event=self._advance
        )

    def _advance(self, event: Json) -> None:
        # What comes twice, too late or after a gap is the checker's to report.
        if event["seq"] > self.state.rooms[self.room].position:
            with contextlib.suppress(Gap):
                self.state.apply(event)

    async def _bring_stranger(self) -> None:
        eve = await self.people.register("eve")
        self.stranger = await ResumingClient(eve).start()
        asking = ResumingClient(eve, rooms=[self.room], since={self.room: 0})
        async with asking:
            assert asking.refused == {self.room: "not_found"}
            self._stranger_records["eve, refused"] = asking.records.get(self.room)
        knocking = ResumingClient(eve, room_url=self.room)
        with pytest.raises(GivenUp) as end:
            await knocking.start()
        await knocking.stop()
        assert (end.value.ending.code, end.value.ending.why) == (4404, "not_found")
        self._stranger_records["eve, on the room's URL"] = knocking.records.get(self.room)

    def traffic(self, per_s: float) -> Traffic:
        return Traffic(self.room, self.senders, per_s)

    def worst_delivery_s(self, traffic: Traffic) -> dict[str, float]:
        """From the first try of a send to its event at each subscriber, at the worst."""
        return {
            name: max(
                at - traffic.asked[frame["data"]["message"]["client_id"]]
                for stretch in client.records[self.room].stretches
                for at, frame in zip(stretch.at, stretch.frames, strict=True)
                if frame["type"] == "message.created"
                and frame["data"]["message"]["client_id"] in traffic.asked
            )
            for name, client in self.subscribers.items()
        }

    @property
    def reconnects(self) -> int:
        return sum(client.reconnects for client in self.subscribers.values())

    async def settle(self, traffic: Traffic, timeout_s: float = CATCH_UP_S) -> Stored:
        """Everyone has the last event, and one more sent after it: what came late came before that."""
        self.acked += traffic.acked
        assert not traffic.failed, f"{len(traffic.failed)} sends failed: {traffic.failed[:3]}"
        for word in ("last", "really last"):
            sent = await self.owner.send_until_acked(
                self.room, f"{word.replace(' ', '-')}-{len(self.acked)}", word
            )
            self.acked.append(sent.client_id)
            head = await self._last_seq()
            await asyncio.gather(
                *(client.reach(self.room, head, timeout_s) for client in self.subscribers.values())
            )
        return await Stored.read(self.owner, self.room)

    async def _last_seq(self) -> int:
        for _ in range(5):
            try:
                return int((await self.owner.room(self.room))["last_seq"])
            except (httpx.TransportError, Problem):
                await asyncio.sleep(0.2)
        return int((await self.owner.room(self.room))["last_seq"])

    def judge(self, stored: Stored) -> Report:
        records = {
            name: client.records.get(self.room, RoomRecord()) for name, client in self.subscribers.items()
        }
        strangers = {**self._stranger_records, "eve": self.stranger.records.get(self.room)}
        return check(stored, self.acked, records, strangers)

    def protocol_violations(self) -> list[str]:
        """What was no frame of the protocol; sockets still open are asked too."""
        found = []
        for name, client in self.subscribers.items():
            open_socket: Socket | None = client.socket
            live = open_socket.violations if open_socket else []
            found += [f"{name}: {text}" for text in [*client.violations, *live]]
        return found

    async def close(self) -> None:
        clients = [*self.subscribers.values()]
        if hasattr(self, "stranger"):
            clients.append(self.stranger)
        await asyncio.gather(*(client.stop() for client in clients))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
