"""The common checker: nothing lost, doubled, out of order or leaked, nothing missing in the log."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tests.client.record import RoomRecord, Stretch
from tests.client.rest import Rest
from tests.client.strict_json import Json

SHOWN = 12  # details kept


@dataclass
class Report:
    """Counts of violations; `acked`, `events` and `delivered` say how much was looked at.

    lost: acked but not stored, or due to a subscriber and not delivered.
    doubled: stored twice, or delivered twice.
    out_of_order: delivered after an event with a higher `seq`.
    gaps: numbers missing in the room's log.
    leaked: delivered to someone, or at a time, that it was not for.
    different: delivered as something else than the log holds.
    """

    acked: int = 0
    events: int = 0
    delivered: int = 0
    lost: int = 0
    doubled: int = 0
    out_of_order: int = 0
    gaps: int = 0
    leaked: int = 0
    different: int = 0
    details: list[str] = field(default_factory=list)

    @property
    def violations(self) -> int:
        return self.lost + self.doubled + self.out_of_order + self.gaps + self.leaked + self.different

    def note(self, kind: str, count: int, what: str) -> None:
        if count:
            setattr(self, kind, getattr(self, kind) + count)
            if len(self.details) < SHOWN:
                self.details.append(f"{kind} {count}: {what}")

    def __str__(self) -> str:
        lines = [f"{name} {value}" for name, value in vars(self).items() if name != "details"]
        return "\n".join([", ".join(lines), *self.details])


@dataclass(frozen=True)
class Stored:
    """A room as REST tells it, read to the end: the log, and the messages of the history."""

    log: list[Json]
    history: list[Json]

    @classmethod
    async def read(cls, rest: Rest, room: str) -> "Stored":
        return cls(await rest.log(room), await rest.history(room))

    @property
    def head(self) -> int:
        return int(self.log[-1]["seq"]) if self.log else 0


def check(
    stored: Stored,
    acked: Iterable[str],
    subscribers: Mapping[str, RoomRecord],
    strangers: Mapping[str, RoomRecord | None] = {},
) -> Report:
    """Judge a room after everything has come to rest.

    Args:
        acked: `client_id` of every acknowledged send, once each.
        subscribers: by a name for the report; each must have had its starting point + 1 … the log's end, and a
            stretch that was ended before must be whole up to where it ended.
        strangers: whoever must not have had anything.
    """
    report = Report()
    _check_store(report, stored, list(acked))
    by_seq = {event["seq"]: event for event in stored.log}
    for name, record in subscribers.items():
        report.note("leaked", len(record.uninvited), f"{name}: {_short(record.uninvited)}")
        if not record.stretches:
            report.note("lost", stored.head, f"{name} never had a subscription")
        for stretch in record.stretches:
            _check_stretch(report, name, stretch, stored.head, by_seq)
    for name, stranger in strangers.items():
        if stranger is not None:
            had = [*stranger.uninvited, *stranger.frames]
            report.note("leaked", len(had), f"{name}: {_short(had)}")
    return report


def _check_store(report: Report, stored: Stored, acked: list[str]) -> None:
    seqs = [event["seq"] for event in stored.log]
    report.events, report.acked = len(seqs), len(acked)
    first = seqs[0] if seqs else 1
    missing = set(range(first, (seqs[-1] if seqs else 0) + 1)) - set(seqs)
    report.note("gaps", len(missing) + (first != 1), f"the log lacks {_short(sorted(missing))}")
    report.note("doubled", len(seqs) - len(set(seqs)), "the log has a seq twice")
    report.note("out_of_order", _falls(seqs), "the log")
    created = Counter(
        event["data"]["message"]["client_id"] for event in stored.log if event["type"] == "message.created"
    )
    rows = Counter(message["client_id"] for message in stored.history)
    for what, found in (("event", created), ("row", rows)):
        lost = [client_id for client_id in acked if client_id not in found]
        report.note("lost", len(lost), f"acked without {what}: {_short(lost)}")
        doubled = [client_id for client_id in acked if found[client_id] > 1]
        report.note("doubled", len(doubled), f"more than one {what}: {_short(doubled)}")


def _check_stretch(
    report: Report, name: str, stretch: Stretch, head: int, by_seq: Mapping[int, Json]
) -> None:
    seqs = stretch.seqs
    report.delivered += len(seqs)
    start = stretch.start if stretch.start is not None else (min(seqs) - 1 if seqs else head)
    end = head if stretch.ended is None else max(seqs, default=start)
    missing = sorted(set(range(start + 1, end + 1)) - set(seqs))
    report.note("lost", len(missing), f"{name} from {start} lacks {_short(missing)}")
    report.note("doubled", len(seqs) - len(set(seqs)), f"{name}: {_short(_twice(seqs))}")
    report.note("out_of_order", _falls(seqs), f"{name} from {start}")
    early = [seq for seq in seqs if seq <= start]
    report.note("doubled", len(early), f"{name}: not above its starting point {start}: {_short(early)}")
    wrong = [
        frame["seq"] for frame in stretch.frames if _essence(frame) != _essence(by_seq.get(frame["seq"]))
    ]
    report.note("different", len(wrong), f"{name}: not what the log holds: {_short(wrong)}")


def _essence(event: Json | None) -> object:
    """What an event is about; the objects in it may have changed since it was delivered."""
    if event is None:
        return None
    data = event["data"]
    message = data.get("message") or {}
    member = data.get("member") or {}
    return (
        event["type"],
        event["room"],
        event["seq"],
        event["at"],
        event["actor"],
        message.get("id", data.get("message_id")),
        message.get("seq"),
        (member.get("user") or {}).get("id"),
    )


def _falls(seqs: list[int]) -> int:
    """How many come after a higher one, repetitions left out."""
    highest, falls, seen = 0, 0, set()
    for seq in seqs:
        falls += seq < highest and seq not in seen
        seen.add(seq)
        highest = max(highest, seq)
    return falls


def _twice(seqs: list[int]) -> list[int]:
    return [seq for seq, times in Counter(seqs).items() if times > 1]


def _short(items: list[object] | list[int] | list[str] | list[Json]) -> str:
    return f"{items[:5]!r:.300}{' …' if len(items) > 5 else ''}"
