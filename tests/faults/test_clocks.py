"""Workers whose clocks disagree: the database alone orders, so nothing is lost, doubled or out of order.

Needs Debian's `libfaketime`; conftest.py leaves these out where it is not installed.
"""

from pathlib import Path

import pytest

from tests.client.record import RoomRecord
from tests.client.rest import Problem
from tests.client.resuming import ResumingClient
from tests.faults.checker import Stored, check
from tests.faults.cluster import Cluster
from tests.faults.conftest import FAKETIME
from tests.faults.loop_thread import LoopThread
from tests.faults.people import People
from tests.faults.stores import Stores
from tests.faults.traffic import Traffic
from tests.figures import Record, in_all

pytestmark = [pytest.mark.faults, pytest.mark.faketime]

PER_S, PLANNED = 60, 240
CATCH_UP_S = 15.0


@pytest.mark.fault("one of two workers has another time")
@pytest.mark.parametrize(
    "skew",
    [pytest.param("+90s", marks=pytest.mark.slow), pytest.param("-90s", marks=pytest.mark.slow), "+1d"],
)
async def test_one_of_two_workers_has_another_time(
    stores: Stores, loop_thread: LoopThread, tmp_path: Path, skew: str, record_property: Record
) -> None:
    with Cluster(stores, loop_thread, tmp_path, of_each={"a": turned(skew)}) as two:
        people = People(two)
        await talk(two, people, skew, record_property)
        await people.close()
        assert not two.alarms()


def turned(skew: str) -> dict[str, str]:
    """Settings of a worker whose clock is that much off."""
    return {"LD_PRELOAD": str(FAKETIME), "FAKETIME": skew, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


async def talk(two: Cluster, people: People, skew: str, record_property: Record) -> None:
    """AssertionError unless people at both workers, of which the first has another time, lose nothing."""
    ada, bob = await people.crowd("ada", 2)
    # Each has a token of the worker they talk to: one of the future is refused elsewhere until it has come.
    clients = []
    for person, worker in zip((ada, bob), two.workers, strict=True):
        there = people.at(person, worker.url)
        await there.log_in(there.user["username"], "correct horse battery staple 7")
        clients.append(ResumingClient(there, rooms="all"))
    one, other = clients
    room = (await one.rest.create_room(members=[bob.user_id]))["id"]
    for client in clients:
        client.positions[room] = 0
        await client.start()
    traffic = Traffic(room, [one.send, other.send], PER_S)
    await traffic.start(PLANNED).finish()
    assert len(traffic.sent) == PLANNED, traffic.failed[:3]
    traffic.sent.append(await one.send(room, "last", "last"))
    head = (await one.rest.room(room))["last_seq"]
    for client in clients:
        await client.reach(room, head, CATCH_UP_S)
    records = {
        name: client.records.get(room, RoomRecord())
        for name, client in zip(("at a", "at b"), clients, strict=True)
    }
    stored = await Stored.read(other.rest, room)
    report = check(stored, traffic.acked, records)
    hours = {event["at"][:13] for event in stored.log if event["type"] == "message.created"}
    abroad = people.at(one.rest, two.b.url)
    if skew.startswith("+"):
        with pytest.raises(Problem, match="401"):
            await abroad.call("GET", "users/me/")
    else:
        assert (await abroad.call("GET", "users/me/"))["id"] == ada.user_id
    for client in clients:
        await client.stop()
    in_all(record_property, sends=report.acked, deliveries=report.delivered)
    assert report.violations == 0, str(report)
    assert all(client.reconnects == 0 for client in clients), "sockets were closed"
    assert skew != "+1d" or len({hour[:10] for hour in hours}) == 2, f"the clocks agreed: {hours}"
