"""The state a client keeps of its rooms: loaded by REST, then advanced by events (docs/protocol.md, "Current state")."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from tests.client.rest import Rest
from tests.client.strict_json import Json


class Gap(Exception):
    """An event that is not the next one of its room."""


def shared(item: Json) -> Json:
    """An object without what depends on the reader or stands in lists only."""
    return {name: value for name, value in item.items() if name not in ("me", "last_message")}


@dataclass
class RoomState:
    """One room: the object, its members by user id, its messages by id.

    `position` is the last event taken, or what the first page was as new as; the object's `last_seq` may be
    ahead of it in a replay. A deleted room keeps nothing.
    """

    room: Json
    position: int
    members: dict[str, Json] = field(default_factory=dict)
    messages: dict[str, Json] = field(default_factory=dict)
    deleted: bool = False


class ClientState:
    """All rooms of a client. Two states are equal when a user could see no difference."""

    def __init__(self) -> None:
        self.rooms: dict[str, RoomState] = {}

    @classmethod
    async def from_rest(cls, rest: Rest, *room_ids: str) -> Self:
        """Load rooms while others may go on changing them.

        The position is read first, so what comes with later pages is as new or newer, and events from the
        position on bring all of it to the same point.
        """
        self = cls()
        for room_id in room_ids:
            room = shared(await rest.room(room_id))
            state = self.rooms[room_id] = RoomState(room, room["last_seq"])
            state.members = {m["user"]["id"]: shared(m) for m in await rest.members(room_id)}
            state.messages = {m["id"]: shared(m) for m in await rest.history(room_id)}
        return self

    def apply(self, event: Json) -> None:
        """Take one event.

        Raises:
            Gap: its `seq` is not the room's next.
            KeyError: a type the contract does not name.
        """
        state = self.rooms.get(event["room"])
        if state is None:
            nothing = {"last_seq": 0, "changed_seq": 0}
            state = self.rooms[event["room"]] = RoomState(nothing, event["seq"] - 1)
        if event["seq"] != state.position + 1:
            raise Gap(f"{event['seq']} after {state.position}")
        _TAKE[event["type"]](state, event["seq"], event["data"])
        state.position = event["seq"]
        state.room["last_seq"] = max(event["seq"], state.room["last_seq"])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ClientState) and not self.differences(other)

    __hash__ = None  # type: ignore[assignment]

    def differences(self, other: "ClientState") -> list[str]:
        """Where the two differ, for a test's message; empty when they are equal."""
        found = []
        for room in sorted(self.rooms.keys() | other.rooms.keys()):
            ours, theirs = _visible(self.rooms.get(room)), _visible(other.rooms.get(room))
            found += [
                f"{room} {path}: {ours.get(path)!r} != {theirs.get(path)!r}"
                for path in sorted(ours.keys() | theirs.keys())
                if ours.get(path) != theirs.get(path)
            ]
        return found


def _visible(state: RoomState | None) -> dict[str, object]:
    """A room as flat paths; reactions count as a set, since their order is not promised."""
    if state is None:
        return {}
    if state.deleted:
        return {"deleted": True}
    flat: dict[str, object] = {"position": state.position}
    flat |= {f"room.{name}": value for name, value in state.room.items()}
    for kind, items in (("member", state.members), ("message", state.messages)):
        for key, item in items.items():
            for name, value in item.items():
                if name == "reactions":
                    value = {reaction["emoji"]: reaction["count"] for reaction in value}
                flat[f"{kind} {key}.{name}"] = value
    return flat


def _newer(held: Json | None, seq: int) -> bool:
    """Whether the event's change is not in the object held yet."""
    return held is None or seq > held["changed_seq"]


def _room(state: RoomState, seq: int, data: Json) -> None:
    if _newer(state.room, seq):
        last_seq = state.room["last_seq"]
        state.room = shared(data["room"])
        state.room["last_seq"] = max(last_seq, state.room["last_seq"])


def _room_deleted(state: RoomState, seq: int, data: Json) -> None:
    state.deleted = True
    state.members, state.messages = {}, {}


def _room_pruned(state: RoomState, seq: int, data: Json) -> None:
    if _newer(state.room, seq):
        state.room["first_seq"] = data["before_seq"]
        state.room["changed_seq"] = seq
    # The log was pruned; the messages stay what they are.


def _count_members(state: RoomState, seq: int, change: int) -> None:
    if _newer(state.room, seq) and "member_count" in state.room:
        state.room["member_count"] += change
        state.room["changed_seq"] = seq


def _member(state: RoomState, seq: int, data: Json) -> None:
    member = shared(data["member"])
    if _newer(state.members.get(member["user"]["id"]), seq):
        state.members[member["user"]["id"]] = member


def _member_joined(state: RoomState, seq: int, data: Json) -> None:
    _count_members(state, seq, +1)
    _member(state, seq, data)


def _member_left(state: RoomState, seq: int, data: Json) -> None:
    _count_members(state, seq, -1)
    user = data["user"]
    user_id = user["id"] if isinstance(user, dict) else user  # the contract says `user`: we take both
    held = state.members.get(user_id)
    if held is not None and _newer(held, seq):
        del state.members[user_id]


def _message(state: RoomState, seq: int, data: Json) -> None:
    message = shared(data["message"])
    if _newer(state.messages.get(message["id"]), seq):
        state.messages[message["id"]] = message
    root = data.get("root")
    held = state.messages.get(root["id"]) if root else None
    if root and held and _newer(held, seq):
        held |= {"reply_count": root["reply_count"], "last_reply_at": root["last_reply_at"]}
        held["changed_seq"] = seq


def _change_message(change: Callable[[Json, Json], None]) -> Callable[[RoomState, int, Json], None]:
    def take(state: RoomState, seq: int, data: Json) -> None:
        held = state.messages.get(data["message_id"])
        if held is not None and _newer(held, seq):
            change(held, data)
            held["changed_seq"] = seq

    return take


def _react(message: Json, data: Json) -> None:
    others = [reaction for reaction in message["reactions"] if reaction["emoji"] != data["emoji"]]
    now = [{"emoji": data["emoji"], "count": data["count"]}] if data["count"] else []
    message["reactions"] = others + now


def _pin(message: Json, data: Json) -> None:
    message["pinned"] = True


def _unpin(message: Json, data: Json) -> None:
    message["pinned"] = False


_TAKE: dict[str, Callable[[RoomState, int, Json], None]] = {
    "room.created": _room,
    "room.updated": _room,
    "room.deleted": _room_deleted,
    "room.pruned": _room_pruned,
    "member.joined": _member_joined,
    "member.updated": _member,
    "member.left": _member_left,
    "message.created": _message,
    "message.updated": _message,
    "message.deleted": _message,
    "reaction.added": _change_message(_react),
    "reaction.removed": _change_message(_react),
    "message.pinned": _change_message(_pin),
    "message.unpinned": _change_message(_unpin),
}
