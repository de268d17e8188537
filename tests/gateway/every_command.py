"""Every command of the socket, for whoever sends them all: a frame of each, and who is there to send it."""

import itertools

import msgspec

from gateway.commands import COMMANDS
from realtime import protocol
from tests.client.socket import Refused

SHAPES = {kind: command.shape for kind, command in COMMANDS.items()} | {
    "message.send": protocol.MessageSend,
    "ping": protocol.Ping,
}
EVERY = sorted(SHAPES, key="message.delete".__eq__)  # last: what is deleted is gone
_numbers = itertools.count(1)


def fields_of(kind):
    """The names of this frame's fields."""
    return [field.encode_name for field in msgspec.structs.fields(SHAPES[kind])]


def frame_of(story, kind, viewer, place, *, mine=False, **other):
    """The smallest frame of this type that is all right."""
    room = other.get("room", place.id)
    message = other.get("message", place.mine.get(viewer, place.others) if mine else place.others)
    person = story.people.get(viewer) or story.people["newcomer"]
    known = {
        "token": person.access,
        "room": room,
        "rooms": [{"room": room}] if kind == "subscribe" else [room],
        "message": message,
        "client_id": f"frame-{next(_numbers)}",
        "body": "The mill is running.",
        "seq": 1,
        "active": True,
        "name": "cursor",
        "data": {"x": 1},
    }
    needed = [field.encode_name for field in msgspec.structs.fields(SHAPES[kind]) if field.required]
    missing = [name for name in needed if name not in known]
    assert not missing, f"{kind}: say in frame_of() of {__name__} what fills {', '.join(missing)}"
    return {name: known[name] for name in needed}


async def answer_to(socket, kind, fields):
    """The data of the ack, or the error without its `id`."""
    try:
        return await socket.request(kind, **fields)
    except Refused as refused:
        return {name: value for name, value in refused.frame.items() if name != "id"}


def result(answer):
    """`ok`, or a code: of the error, or of the one room in the ack of `subscribe`."""
    if "rooms" in answer:
        answer = answer["rooms"][0]
    return answer.get("code", "ok")
