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
    schemas["OtherEvent"] = _other(schemas[_name(EventType.MESSAGE_CREATED)])
    schemas["Event"] = {
        "description": (
            "A numbered event, today of one of the types named. Later releases of v1 add types (`OtherEvent`): "
            "accept those you do not know, move your position with them, and ignore the rest."
        ),
        "oneOf": [
            *({"$ref": reference} for reference in mapping.values()),
            {"$ref": "#/components/schemas/OtherEvent"},
        ],
        "discriminator": {"propertyName": "type", "mapping": mapping},
    }
    page["properties"]["results"]["items"] = {"$ref": "#/components/schemas/Event"}


def _other(known: Json) -> Json:
    """An event of a type to come: like one that is `known`, but for its type and what it brings."""
    kind = {
        "type": "string",
        "not": {"enum": [kind.value for kind in DATA]},
        "description": "None of today's.",
    }
    data = {"type": "object", "description": "What the event brings: not known yet."}
    return {
        **known,
        "title": "OtherEvent",
        "description": "An event of a type that a later release adds.",
        "properties": {**known["properties"], "type": kind, "data": data},
    }


def _name(kind: EventType) -> str:
    return "".join(word.title() for word in kind.split(".")) + "Event"
