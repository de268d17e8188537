"""`message.send`: acks, order, repetition, conflicts, refusals; and that REST and socket show one shape."""

import asyncio
from uuid import UUID

import pytest

from messaging.drafts import check_draft
from messaging.services import Sent, send_messages
from tests.client.rest import Problem
from tests.client.socket import Refused
from tests.gateway.test_subscribe import seqs, subscribe
from tests.gateway.waiting import in_database

MESSAGE = {
    "id", "room", "seq", "changed_seq", "client_id", "author", "body", "created_at", "edited_at", "deleted_at",
    "reply_to", "thread", "reply_count", "last_reply_at", "mentions", "reactions", "attachments", "metadata", "pinned",
}  # fmt: skip


async def answers_of(asks):
    """Each answer: `(seq, duplicate)`, or the code of the error."""
    done = await asyncio.gather(*asks, return_exceptions=True)
    return [
        a.code if isinstance(a, Refused) else (a["data"]["message"]["seq"], a["data"]["duplicate"])
        for a in done
    ]


async def test_the_ack_holds_the_message_and_that_it_is_new(ada, room, connect):
    data = await (await connect(ada)).request("message.send", room=room, client_id="1", body="hi")
    assert set(data) == {"message", "duplicate"}
    assert data["duplicate"] is False
    message = data["message"]
    assert set(message) == MESSAGE
    assert (message["room"], message["seq"], message["changed_seq"]) == (room, 4, 4)
    assert (message["client_id"], message["body"], message["author"]["id"]) == ("1", "hi", ada.user_id)


async def test_two_hundred_sends_in_a_row_are_numbered_in_the_order_sent(ada, bob, room, connect):
    sockets = [await connect(ada), await connect(bob)]
    reader = await connect(bob)
    await subscribe(reader, room)
    asks = {socket: [] for socket in sockets}
    for number in range(200):
        for socket in sockets:
            asks[socket].append(
                await socket.ask("message.send", room=room, client_id=f"{number}", body=f"{number}")
            )
    for socket in sockets:
        numbered = [seq for seq, _ in await answers_of(asks[socket])]
        assert numbered == sorted(set(numbered))
    await reader.find(lambda frame: frame.get("seq") == 403)
    assert seqs(reader, room) == list(range(4, 404))


async def test_a_repeated_send_is_the_same_message_on_any_socket_and_over_rest(ada, room, connect):
    socket, other, reader = await connect(ada), await connect(ada), await connect(ada)
    await subscribe(reader, room)
    send = {"room": room, "client_id": "1", "body": "e\u0301"}  # stored as one character
    first = await socket.request("message.send", **send)
    for again in (socket, other):
        assert await again.request("message.send", **send) == first | {"duplicate": True}
        assert await again.request("message.send", **send | {"body": "é"}) == first | {"duplicate": True}
    assert await ada.send(**send) == (first["message"] | {"me": {"reactions": []}}, True)
    asks = [await socket.ask("message.send", **send | {"client_id": "2"}) for _ in range(20)]
    assert await answers_of(asks) == [(5, False)] + [(5, True)] * 19
    await reader.find(lambda frame: frame.get("seq") == 5)
    await reader.request("ping")
    assert seqs(reader, room) == [4, 5]


async def test_other_content_under_the_same_client_id_is_a_conflict(ada, bob, room, connect):
    socket = await connect(ada)
    asks = [
        await socket.ask("message.send", room=room, client_id=name, body=body)
        for name, body in (("1", "hi"), ("1", "ho"), ("1", "hi"), ("2", "ho"), ("1", "hi "))
    ]
    conflict = "client_id_conflict"
    assert await answers_of(asks) == [(4, False), conflict, (4, True), (5, False), conflict]
    with pytest.raises(Problem) as problem:
        await ada.send(room, "1", "ho")
    assert problem.value.code == conflict
    theirs = await (await connect(bob)).request("message.send", room=room, client_id="1", body="bob's")
    assert theirs["duplicate"] is False  # a client_id is its author's alone


async def test_the_same_client_id_in_another_room_is_another_message(ada, room, connect):
    other = (await ada.create_room())["id"]
    socket = await connect(ada)
    for target in (room, other):
        data = await socket.request("message.send", room=target, client_id="1", body="hi")
        assert data["duplicate"] is False


async def test_in_a_batch_every_other_draft_may_be_refused(ada, bob, eve, room):
    """Straight into the service, in one transaction."""
    foreign = (await eve.create_room())["id"]
    public = (await eve.create_room("public"))["id"]

    def draft(author, target, client_id, body):
        return check_draft(room_id=target, author_id=author, client_id=client_id, body=body)

    def work():
        a, b, e = (UUID(rest.user_id) for rest in (ada, bob, eve))
        return send_messages(
            [
                draft(a, room, "1", "one"),
                draft(a, foreign, "1", "not a member"),
                draft(b, room, "1", "two"),
                draft(a, room, "1", "conflict in the batch"),
                draft(a, room, "1", "one"),
                draft(e, room, "1", "not a member"),
                draft(e, foreign, "1", "hers"),
                draft(b, public, "1", "not a member"),
                draft(a, room, "2", "three"),
                draft(b, str(UUID(int=0)), "1", "no room"),
                draft(b, room, "2", "four"),
            ]
        )

    for duplicate in (False, True):
        results = await in_database(work)
        told = [(r.message.seq, r.duplicate) if isinstance(r, Sent) else r.code for r in results]
        assert told == [
            (4, duplicate), "not_found", (5, duplicate), "client_id_conflict", (4, True), "not_found", (3, duplicate),
            "not_a_member", (6, duplicate), "not_found", (7, duplicate),
        ]  # fmt: skip
    assert [message["body"] for message in await ada.history(room)] == ["one", "two", "three", "four"]
    assert [event["seq"] for event in await ada.log(room)] == list(range(1, 8))


async def test_on_a_socket_every_other_send_may_be_refused(ada, eve, room, connect):
    foreign = (await eve.create_room())["id"]
    socket = await connect(ada)
    asks = []
    for number in range(60):
        target, body = ((room, "hi"), (foreign, "hi"), (room, "hi"), (room, " "), (room, "hi"), ("x", "hi"))[
            number % 6
        ]
        asks.append(await socket.ask("message.send", room=target, client_id=f"{number}", body=body))
    refused = [None, "not_found", None, "invalid", None, "not_found"] * 10
    told = await answers_of(asks)
    assert [t if isinstance(t, str) else None for t in told] == refused
    assert [t for t in told if not isinstance(t, str)] == [(seq, False) for seq in range(4, 34)]


async def test_what_cannot_be_sent_is_refused_never_ignored(ada, room, connect):
    socket = await connect(ada)
    some_id = room
    for attr, values in {
        "reply_to": (some_id, "", 1, False),  # no message, no id
        "thread": (some_id, "", [], {}, 0),
        "attachments": ([some_id], "x", {"a": 1}, {}, "", 0, False),
        "metadata": ("x", [1], 0, {"a": "x\x00"}, {"a": "x" * 4_100}),
    }.items():
        for value in values:
            with pytest.raises(Refused) as refused:
                await socket.request("message.send", room=room, client_id="1", body="hi", **{attr: value})
            assert refused.value.code == "invalid"
            assert [error["attr"] for error in refused.value.frame["errors"]] == [attr]
            with pytest.raises(Problem) as problem:
                await ada.send(room, "1", "hi", **{attr: value})
            assert [error["attr"] for error in problem.value.body["errors"]] == [attr]
    empty = {"reply_to": None, "thread": None, "attachments": [], "metadata": {}}
    first = await socket.request("message.send", room=room, client_id="1", body="hi", **empty)
    assert first["duplicate"] is False
    assert (await socket.request("message.send", room=room, client_id="1", body="hi"))["duplicate"] is True


async def test_slow_mode_says_how_long_to_wait(ada, bob, room, connect):
    await ada.update_room(room, slow_mode_s=3600)
    for who, code in ((ada, None), (bob, "slow_mode")):
        socket = await connect(who)
        await socket.request("message.send", room=room, client_id="1", body="hi")
        if code is None:
            await socket.request("message.send", room=room, client_id="2", body="hi")
            continue
        with pytest.raises(Refused, match=code) as refused:
            await socket.request("message.send", room=room, client_id="2", body="hi")
        assert 3590 < refused.value.frame["retry_after"] <= 3600
        again = await socket.request("message.send", room=room, client_id="1", body="hi")
        assert again["duplicate"] is True


async def test_rest_and_socket_show_one_shape(ada, bob, room, connect):
    """The ack, the event live and replayed, the log over REST, and REST's own messages: the same object."""
    live = await connect(bob)
    await subscribe(live, room)
    sender = await connect(ada)
    body = 'é 👩‍👩‍👧‍👦 \u2028 \\ " </script>'
    acked = (await sender.request("message.send", room=room, client_id="1", body=body))["message"]
    posted, _ = await ada.send(room, "2", body)
    await live.find(lambda frame: frame.get("seq") == 5)
    replayed = await connect(bob)
    await subscribe(replayed, (room, 0))
    await replayed.find(lambda frame: frame.get("seq") == 5)
    log = await bob.log(room)
    assert replayed.events() == log
    assert live.events() == log[3:]
    me = {"me": {"reactions": []}}
    assert [event["data"] for event in live.events()] == [
        {"message": acked},
        {"message": {name: value for name, value in posted.items() if name != "me"}},
    ]
    assert await bob.history(room) == [acked | me, posted | me]
    assert await bob.call("GET", f"rooms/{room}/messages/{acked['id']}/") == acked | me
    assert (await bob.rooms())[0]["last_message"] == posted | me
    assert set(posted) == MESSAGE | {"me"}
    for event in live.events():
        assert set(event) == {"type", "room", "seq", "at", "actor", "data"}
        assert event["at"] == event["data"]["message"]["created_at"]
        assert event["actor"] == ada.user_id
    members = {event["data"]["member"]["user"]["id"]: event["data"]["member"] for event in log[1:3]}
    assert members == {member["user"]["id"]: member for member in await bob.members(room)}
    shown = await bob.room(room)
    assert log[0]["data"]["room"] == {name: value for name, value in shown.items() if name != "me"}
