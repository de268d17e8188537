"""`message.edit` and `message.delete`: acks, events live and replayed, refusals."""

import pytest

from tests.client.socket import Refused
from tests.gateway.test_subscribe import subscribe
from tests.gateway.wire import Wire

ME = {"me": {"reactions": []}}


@pytest.fixture
async def message(ada, room):
    """Ada's message; the log stands at 4."""
    return (await ada.send(room, "first", "first"))[0]


async def test_the_ack_the_event_and_rest_show_the_message_as_it_is_then(ada, bob, room, message, connect):
    live, socket = await connect(bob), await connect(ada)
    await subscribe(live, room)
    edited = await socket.request("message.edit", room=room, message=message["id"], body="other")
    assert await bob.history(room) == [edited["message"] | ME]
    assert (edited["message"]["body"], edited["message"]["changed_seq"]) == ("other", 5)
    deleted = await socket.request("message.delete", room=room, message=message["id"])
    assert await bob.history(room) == [deleted["message"] | ME]
    assert deleted["message"]["deleted_at"] is not None
    await live.find(lambda frame: frame.get("seq") == 6)
    events = live.events(room)
    assert [(e["type"], e["seq"], e["actor"], e["data"]) for e in events] == [
        ("message.updated", 5, ada.user_id, edited),
        ("message.deleted", 6, ada.user_id, deleted),
    ]
    replayed = await connect(bob)
    await subscribe(replayed, (room, 3))
    await replayed.find(lambda frame: frame.get("seq") == 6)
    assert [event["data"] for event in replayed.events(room)] == [deleted] * 3
    assert replayed.events(room) == await bob.log(room, since=3)


async def test_what_changes_nothing_is_acked_and_no_event(ada, room, message, connect):
    socket = await connect(ada)
    same = await socket.request("message.edit", room=room, message=message["id"], body="first")
    assert same == {"message": {name: value for name, value in message.items() if name != "me"}}
    tombstone = await socket.request("message.delete", room=room, message=message["id"])
    assert await socket.request("message.delete", room=room, message=message["id"]) == tombstone
    assert [event["seq"] for event in await ada.log(room)] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("kind", ["message.edit", "message.delete"])
async def test_who_may_not_is_told_so(ada, bob, eve, room, message, connect, kind):
    public = (await ada.create_room("public"))["id"]
    body = {"body": "other"} if kind == "message.edit" else {}

    async def code(rest, **fields):
        with pytest.raises(Refused) as refused:
            await (await connect(rest)).request(
                kind, **{"room": room, "message": message["id"], **body} | fields
            )
        return refused.value.code

    assert await code(bob) == "forbidden"
    assert await code(eve) == "not_found"
    assert await code(eve, room=public) == "not_a_member"
    for fields in ({"room": public}, {"message": room}, {"message": "x"}, {"room": "x"}):
        assert await code(ada, **fields) == "not_found"
    for fields in ({"message": 1}, {"room": None}):
        assert await code(ada, **fields) == "invalid"
    assert (await ada.history(room))[0] == message


async def test_a_tombstone_and_a_text_that_is_none_are_refused(ada, room, message, connect):
    socket = await connect(ada)
    for text, code in (("", "invalid"), ("\x00", "invalid"), ("x" * 8_001, "invalid")):
        with pytest.raises(Refused, match=code):
            await socket.request("message.edit", room=room, message=message["id"], body=text)
    await ada.delete(room, message["id"])
    with pytest.raises(Refused, match="message_deleted"):
        await socket.request("message.edit", room=room, message=message["id"], body="other")


async def test_on_the_url_of_one_room_others_are_refused(ada, room, message, connect):
    other = (await ada.create_room())["id"]
    socket = await connect(ada, room=other)
    for kind in ("message.edit", "message.delete"):
        with pytest.raises(Refused, match="invalid"):
            await socket.request(kind, room=room, message=message["id"], body="other")
    inside = await connect(ada, room=room)
    assert (await inside.request("message.delete", room=room, message=message["id"]))["message"]["body"] == ""


async def test_without_an_id_it_is_carried_out_and_not_acked(server, ada, room, message):
    async with await Wire.open(server.ws, ada.access) as wire:
        await wire.next()
        await wire.ask({"type": "subscribe", "id": 1, "rooms": [{"room": room}]})
        for kind, event in (("message.edit", "message.updated"), ("message.delete", "message.deleted")):
            told = await wire.ask({"type": kind, "room": room, "message": message["id"], "body": "other"})
            assert told["type"] == event
            answer = await wire.ask({"type": kind, "room": room, "message": "x", "body": "other"})
            assert (answer["type"], answer["id"], answer["code"]) == ("error", None, "not_found")
