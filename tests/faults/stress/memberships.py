"""Whether what a person was told of a room agrees with when they were in it."""

from collections.abc import Sequence

from tests.client.record import RoomRecord, Stretch
from tests.client.strict_json import Json

OUT = ("left", "removed", "banned")  # reasons of `unsubscribed` that a `member.left` comes before


def whose(event: Json) -> str | None:
    """Whom a `member.joined` or `member.left` is about; None for other events."""
    if event["type"] not in ("member.joined", "member.left"):
        return None
    data = event["data"]
    user = data["member"]["user"] if "member" in data else data["user"]
    return str(user["id"] if isinstance(user, dict) else user)


def stays(log: Sequence[Json], user: str) -> list[tuple[int, int | None]]:
    """From and to which `seq` a person was in, first to last; None: still in."""
    found: list[tuple[int, int | None]] = []
    for event in log:
        if whose(event) == user:
            if event["type"] == "member.joined":
                found.append((event["seq"], None))
            elif found:
                found[-1] = (found[-1][0], event["seq"])
    return found


def violations(log: Sequence[Json], user: str, record: RoomRecord, let_in: Sequence[float]) -> list[str]:
    """What is wrong, in words, with what one socket of `user` was told, by a log and when they were let in.

    Args:
        let_in: `time.monotonic()` at which each of the person's stays was asked for, in order. An event of a time
            when they were out may be told to them when they are in again (a replay), and not before.
    """
    inside = stays(log, user)
    if len(inside) != len(let_in):
        return [f"was let in {len(let_in)} times, and the log has {len(inside)}"]
    found: list[str] = []
    for stretch in record.stretches:
        found += _strangely_told(stretch, inside, let_in)
        found += _strangely_begun(stretch, user)
        if stretch.ended in OUT and not _is(stretch.frames[-1:], "member.left", user):
            found.append(f"ended as {stretch.ended} without its own member.left: {stretch.seqs[-3:]}")
    if inside and inside[-1][1] is None and record.open is None:
        found.append("is in, and has no subscription")
    if (not inside or inside[-1][1] is not None) and record.open is not None:
        found.append("is out, and has a subscription")
    return found


def _strangely_told(
    stretch: Stretch, inside: Sequence[tuple[int, int | None]], let_in: Sequence[float]
) -> list[str]:
    early = []
    for at, seq in zip(stretch.at, stretch.seqs, strict=True):
        allowed = [
            since for (first, last), since in zip(inside, let_in, strict=True) if last is None or seq <= last
        ]
        # Of all stays that had not ended by this event, the first may begin after it: then it is a replay.
        if not allowed or at < allowed[0]:
            early.append(seq)
    return [f"leaked: told while out: {early[:5]}"] if early else []


def _strangely_begun(stretch: Stretch, user: str) -> list[str]:
    if stretch.start is not None or _is(stretch.frames[:1], "member.joined", user):
        return []
    if not stretch.frames and stretch.ended not in (None, *OUT):
        return []  # cut off before the first event
    return [f"began with {stretch.seqs[:1]} and not with its own member.joined"]


def _is(frames: Sequence[Json], kind: str, user: str) -> bool:
    return bool(frames) and frames[0]["type"] == kind and whose(frames[0]) == user
