"""Who may send which frame, generated from the table of commands; a private room looks like nothing (FAULTS B14).

As tests/contract/test_access.py is for REST; what is expected stands beside it in tests/contract/access_rules.py.
"""

import itertools
import json

from tests.contract.access_rules import COMMANDS as RULES
from tests.contract.story import KINDS, OUTSIDE, Story, never
from tests.gateway.every_command import EVERY, SHAPES, answer_to, fields_of, frame_of, result
from tests.gateway.waiting import in_database
from tests.statements import shape


def test_every_command_has_its_line():
    missing, gone = sorted(SHAPES.keys() - RULES.keys()), sorted(RULES.keys() - SHAPES.keys())
    assert not missing, (
        f"no line in tests/contract/access_rules.py, COMMANDS, for {', '.join(missing)}: say who may send it at "
        "least, which scope an API token needs, and who is refused though they may"
    )
    assert not gone, f"in tests/contract/access_rules.py, but not in gateway/commands.py: {', '.join(gone)}"


async def test_each_may_send_what_they_may(socket_of):
    story = await in_database(Story)
    for kind in EVERY:
        fields = fields_of(kind)
        for room_kind in KINDS:
            for viewer in story.viewers(room_kind):
                if (kind, viewer) == ("auth", "nobody"):
                    continue  # the socket would be somebody's from then on
                socket, place = await socket_of(story, viewer), story.places[room_kind, viewer]
                for mine in (False, True) if "message" in fields else (False,):
                    frame = frame_of(story, kind, viewer, place, mine=mine)
                    answer = await answer_to(socket, kind, frame)
                    expected = RULES[kind].expected(viewer, room_kind, mine=mine)
                    assert result(answer) == expected, f"{kind} by {viewer} in a {room_kind} room: {answer}"


async def test_a_room_one_is_not_in_looks_like_an_id_that_never_was(socket_of, run_by_the_server):
    story = await in_database(Story)
    for kind in EVERY:
        for room_kind, viewer in itertools.product(("private", "direct"), OUTSIDE):
            place = story.places.get((room_kind, viewer))
            if place is None:
                continue
            socket = await socket_of(story, viewer)
            found = []
            others = [{}, {"room": never()}]
            if "message" in fields_of(kind):
                others += [{"room": never(), "message": never()}, {"message": never()}]
            for other in others:
                frame = frame_of(story, kind, viewer, place, **other)
                run_by_the_server.clear()
                answer = await answer_to(socket, kind, frame)
                text = json.dumps(answer).replace(other.get("room", place.id), "ROOM")
                found.append((text, [shape(sql) for sql in run_by_the_server]))
            for one in found if kind != "auth" else ():  # whose answer has a time in it
                assert one == found[0], f"{kind} by {viewer}"


async def test_a_message_of_another_room_looks_like_one_that_never_was(socket_of, run_by_the_server):
    story = await in_database(Story)
    for kind in EVERY:
        if "message" not in fields_of(kind):
            continue
        for room_kind in KINDS:
            for viewer in story.viewers(room_kind):
                if viewer == "nobody":
                    continue
                place, socket = story.places[room_kind, viewer], await socket_of(story, viewer)
                found = []
                for message in (story.unseen, story.elsewhere, never()):
                    run_by_the_server.clear()
                    frame = frame_of(story, kind, viewer, place, message=message)
                    answer = await answer_to(socket, kind, frame)
                    found.append((answer, [shape(sql) for sql in run_by_the_server]))
                assert found[0] == found[1] == found[2], f"{kind} by {viewer} in a {room_kind} room"
                assert result(found[0][0]) in ("not_found", "not_a_member", "scope_missing")
