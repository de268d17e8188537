"""Stress runs in which a cure is missing: the same checker must complain, or it would find nothing elsewhere."""

from collections.abc import Iterator

import pytest

from tests.client.record import RoomRecord
from tests.client.resuming import ResumingClient
from tests.client.socket import Socket
from tests.client.strict_json import Json
from tests.faults.cluster import Cluster
from tests.faults.forgetful import Forgetful
from tests.faults.loop_thread import LoopThread
from tests.faults.people import People
from tests.faults.stores import Stores
from tests.faults.stress import holdings, running
from tests.faults.stress.memberships import violations
from tests.faults.stress.plan import Fault, Move, Plan

pytestmark = pytest.mark.faults

SECONDS = 5.0
PER_S = 15


@pytest.fixture(scope="module")
def unrepaired(
    stores: Stores, loop_thread: LoopThread, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """Two workers that deliver what the bus brings and look nothing up."""
    folder = tmp_path_factory.mktemp("unrepaired-stress")
    with Cluster(stores, loop_thread, folder, running.SETTINGS | {"GAP_REPAIR": "0"}) as two:
        yield two


def plan(*faults: Fault, moves: tuple[Move, ...] = ()) -> Plan:
    return Plan(0, SECONDS, PER_S, (), faults, moves)


async def wrong(two: Cluster, what: Plan, device: type[ResumingClient] = ResumingClient) -> list[str]:
    """What the run complains of."""
    return (await running.run(two, what, None, device)).wrong


@pytest.mark.parametrize(
    "fault",
    [
        Fault(1.5, "the bus drops messages", "a", 1.5),
        Fault(1.5, "redis is stopped", "", 1.5),
        Fault(1.5, "redis cuts every connection"),
    ],
    ids=str,
)
@pytest.mark.slow
async def test_without_the_repair_a_bus_that_fails_loses_events(unrepaired: Cluster, fault: Fault) -> None:
    assert any(": lost " in text for text in await wrong(unrepaired, plan(fault)))


@pytest.mark.slow
async def test_without_the_repair_who_was_removed_is_told_more(unrepaired: Cluster) -> None:
    """Their own `member.left` was lost on the way to the other worker."""
    moves = tuple(
        Move(at_s, person, kind, 0) for person in range(3) for at_s, kind in ((0.3, "join"), (2.0, "remove"))
    )
    both = Plan(
        0,
        SECONDS,
        PER_S,
        (Fault(1.5, "the bus drops messages", "b", 1.5),),
        (Fault(1.5, "the bus drops messages", "a", 1.5),),
        moves,
    )
    assert any("told while out" in text for text in await wrong(unrepaired, both))


async def test_a_client_that_does_not_resume_loses_events(cluster: Cluster) -> None:
    cut = plan(
        Fault(1.5, "a way is cut", "first"),
        Fault(2.0, "a way is cut", "second"),
        Fault(2.5, "a way is a black hole", "", 1.0),
    )
    assert any(": lost " in text for text in await wrong(cluster, cut, Forgetful))


async def test_what_is_not_given_back_is_named(cluster: Cluster, people: People) -> None:
    ada = await people.register("ada")
    room = (await ada.create_room())["id"]
    before = holdings.count(cluster)
    socket = await Socket.connect(cluster.a.url, ada.access)
    await socket.request("subscribe", rooms=[{"room": room}])
    found = " ".join(holdings.differences(before, holdings.count(cluster)))
    for what in ("a inbound", "a people", "a rooms", "a groups", "channels of Redis"):
        assert what in found
    await socket.close()
    assert not (await holdings.settled(cluster, before))[1]


def joined(seq: int, user: str) -> Json:
    return {"type": "member.joined", "seq": seq, "data": {"member": {"user": {"id": user}}}}


def left(seq: int, user: str) -> Json:
    return {"type": "member.left", "seq": seq, "data": {"user": user}}


def other(seq: int) -> Json:
    return {"type": "message.created", "seq": seq, "data": {}}


LOG = [other(1), joined(2, "bob"), other(3), left(4, "bob"), other(5), joined(6, "bob"), other(7)]
LET_IN = [10.0, 20.0]


def told(*stretches: tuple[str | None, list[Json]], at: float = 30.0) -> RoomRecord:
    record = RoomRecord()
    for ended, frames in stretches:
        record.begin(None)
        for frame in frames:
            record.add(frame)
        for stretch in record.stretches[-1:]:
            stretch.at = [at] * len(frames)
            stretch.ended = ended
    return record


def complaint(record: RoomRecord, let_in: list[float] = LET_IN) -> str:
    return " ".join(violations(LOG, "bob", record, let_in))


def test_memberships_that_agree_are_no_violation() -> None:
    assert complaint(told(("removed", LOG[1:4]), (None, LOG[5:]))) == ""
    # A device that was away from before the removal to after the return is replayed all of it.
    assert complaint(told((None, LOG[1:]))) == ""


def test_each_way_of_telling_too_much_or_too_little_is_named() -> None:
    assert "told while out" in complaint(told((None, LOG[1:]), at=15.0))
    assert "without its own member.left" in complaint(told(("removed", LOG[1:3]), (None, LOG[5:])))
    assert "not with its own member.joined" in complaint(told(("removed", LOG[1:4]), (None, LOG[6:])))
    assert "has no subscription" in complaint(told(("removed", LOG[1:4])))
    assert "the log has 2" in complaint(told((None, LOG[1:])), [10.0])
    still = violations(LOG[:5], "bob", told((None, LOG[1:3])), LET_IN[:1])
    assert still == ["is out, and has a subscription"]
