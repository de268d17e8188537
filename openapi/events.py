"""The numbered events in the document: one shape a type, told apart by `type`.

On the wire they are ready bytes (`EventPage.results`), whose types the page's struct cannot name.
"""

from typing import Annotated, Any

import msgspec

from common.meaning import means
from realtime.events import (
    Event,
    EventType,
    MemberData,
    MemberLeftData,
    MessageData,
    RoomData,
    RoomDeletedData,
)

Json = dict[str, Any]

DATA: dict[EventType, type[msgspec.Struct]] = {
    EventType.ROOM_CREATED: RoomData,
    EventType.ROOM_UPDATED: RoomData,
    EventType.ROOM_DELETED: RoomDeletedData,
    EventType.MEMBER_JOINED: MemberData,
    EventType.MEMBER_UPDATED: MemberData,
    EventType.MEMBER_LEFT: MemberLeftData,
    EventType.MESSAGE_CREATED: MessageData,
    EventType.MESSAGE_UPDATED: MessageData,
    EventType.MESSAGE_DELETED: MessageData,
}
"""What each event holds; a test holds it against the log."""


def event_structs() -> tuple[type[msgspec.Struct], ...]:
    """A struct for each type of event, `MessageCreatedEvent` for `message.created`."""
    fields = [
        (field.name, field.type)
        for field in msgspec.structs.fields(Event)
        if field.name not in ("type", "data")
    ]
    return tuple(
        msgspec.defstruct(
            _name(kind), [*fields, ("data", Annotated[data, means("What the event brings.")])], tag_field="type", tag=kind.value,
            namespace={"__doc__": f"`{kind.value}`."},
        )
        for kind, data in DATA.items()
    )  # fmt: skip


def add_union(schemas: Json) -> None:
    """Say in the components, where they have a page of events, that it holds these."""
    page = schemas.get("EventPage")
    if page is None:
        return
    mapping = {kind.value: f"#/components/schemas/{_name(kind)}" for kind in DATA}
    schemas["Event"] = {
        "description": (
            "A numbered event, of one of these types today. Later releases of v1 add types: accept those you do not "
            "know (their fields other than `data` are the same), move your position with them, and ignore the rest. "
            "Let a generated client that validates a closed union pass them by."
        ),
        "oneOf": [{"$ref": reference} for reference in mapping.values()],
        "discriminator": {"propertyName": "type", "mapping": mapping},
    }
    page["properties"]["results"]["items"] = {"$ref": "#/components/schemas/Event"}


def _name(kind: EventType) -> str:
    return "".join(word.title() for word in kind.split(".")) + "Event"
