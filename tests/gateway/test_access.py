"""Who may send which frame, generated from the table of commands; a private room looks like nothing (FAULTS B14).

As tests/contract/test_access.py is for REST; what is expected stands beside it in tests/contract/access_rules.py.
"""

import itertools
import json

import msgspec
import pytest
from django.db.backends.utils import CursorWrapper

from gateway.commands import COMMANDS
from realtime import protocol
from tests.client.socket import Refused, Socket
from tests.contract.access_rules import COMMANDS as RULES
from tests.contract.story import IN_DIRECT, KINDS, OUTSIDE, VIEWERS, Story, never
from tests.gateway.waiting import in_database
from tests.live import LiveServer
from tests.statements import shape

SHAPES = {kind: command.shape for kind, command in COMMANDS.items()} | {
    "message.send": protocol.MessageSend,
    "ping": protocol.Ping,
}
_numbers = itertools.count(1)


@pytest.fixture
def server(transactional_db, settings):
    """One that never looks at the database by itself, so that every statement is an answer's."""
    settings.ALLOWED_HOSTS = ["127.0.0.1", "testserver"]
    settings.SECURE_SSL_REDIRECT = settings.GAP_REPAIR = False
    settings.AUTH_TIMEOUT_S = 60
    live = LiveServer()
    live.start()
    yield live
    live.stop()


@pytest.fixture
async def sockets(server):
    """`sockets(story, viewer)`: their one socket; nobody's has not said who it is."""
    opened = {}

    async def of(story, viewer):
        if viewer not in opened:
            if viewer == "nobody":
                opened[viewer] = await Socket.open(server.http, None)
            else:
                opened[viewer] = await Socket.connect(server.http, story.people[viewer].access)
        return opened[viewer]

    yield of
    for socket in opened.values():
        await socket.close()


@pytest.fixture
def run_by_the_server(monkeypatch):
    """Every statement of every thread, as it is run."""
    found = []
    execute = CursorWrapper._execute_with_wrappers

    def recording(self, sql, *args, **kwargs):
        text = str(sql)
        # How a connection plans is set now and then, whoever asks for whatever.
        if text.split()[0] in ("SELECT", "INSERT", "UPDATE", "DELETE") and "set_config" not in text:
            found.append(text)
        return execute(self, sql, *args, **kwargs)

    monkeypatch.setattr(CursorWrapper, "_execute_with_wrappers", recording)
    return found


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


def viewers(story, kind):
    inside = IN_DIRECT if kind == "direct" else VIEWERS
    return [v for v in inside if (kind, v) in story.places and (v == "nobody" or v in story.people)]


def test_every_command_has_its_line():
    missing, gone = sorted(SHAPES.keys() - RULES.keys()), sorted(RULES.keys() - SHAPES.keys())
    assert not missing, (
        f"no line in tests/contract/access_rules.py, COMMANDS, for {', '.join(missing)}: say who may send it at "
        "least, which scope an API token needs, and who is refused though they may"
    )
    assert not gone, f"in tests/contract/access_rules.py, but not in gateway/commands.py: {', '.join(gone)}"


async def test_each_may_send_what_they_may(server, sockets):
    story = await in_database(Story)
    for kind in sorted(SHAPES, key="message.delete".__eq__):  # last: what is deleted is gone
        fields = [field.encode_name for field in msgspec.structs.fields(SHAPES[kind])]
        for room_kind in KINDS:
            for viewer in viewers(story, room_kind):
                if (kind, viewer) == ("auth", "nobody"):
                    continue  # the socket would be somebody's from then on
                socket, place = await sockets(story, viewer), story.places[room_kind, viewer]
                for mine in (False, True) if "message" in fields else (False,):
                    frame = frame_of(story, kind, viewer, place, mine=mine)
                    answer = await answer_to(socket, kind, frame)
                    expected = RULES[kind].expected(viewer, room_kind, mine=mine)
                    assert result(answer) == expected, f"{kind} by {viewer} in a {room_kind} room: {answer}"


async def test_a_room_one_is_not_in_looks_like_an_id_that_never_was(server, sockets, run_by_the_server):
    story = await in_database(Story)
    for kind in sorted(SHAPES):
        for room_kind, viewer in itertools.product(("private", "direct"), OUTSIDE):
            place = story.places.get((room_kind, viewer))
            if place is None:
                continue
            socket = await sockets(story, viewer)
            found = []
            for other in ({}, {"room": never()}, {"room": never(), "message": never()}, {"message": never()}):
                frame = frame_of(story, kind, viewer, place, **other)
                run_by_the_server.clear()
                answer = await answer_to(socket, kind, frame)
                text = json.dumps(answer).replace(other.get("room", place.id), "ROOM")
                found.append((text, [shape(sql) for sql in run_by_the_server]))
            for one in found if kind != "auth" else ():  # whose answer has a time in it
                assert one == found[0], f"{kind} by {viewer}"


async def test_a_message_of_another_room_looks_like_one_that_never_was(server, sockets, run_by_the_server):
    story = await in_database(Story)
    for kind in sorted(SHAPES):
        if "message" not in [field.encode_name for field in msgspec.structs.fields(SHAPES[kind])]:
            continue
        for room_kind in KINDS:
            for viewer in viewers(story, room_kind):
                if viewer == "nobody":
                    continue
                place, socket = story.places[room_kind, viewer], await sockets(story, viewer)
                found = []
                for message in (story.unseen, story.elsewhere, never()):
                    run_by_the_server.clear()
                    frame = frame_of(story, kind, viewer, place, message=message)
                    answer = await answer_to(socket, kind, frame)
                    found.append((answer, [shape(sql) for sql in run_by_the_server]))
                assert found[0] == found[1] == found[2], f"{kind} by {viewer} in a {room_kind} room"
                assert result(found[0][0]) in ("not_found", "not_a_member", "scope_missing")
