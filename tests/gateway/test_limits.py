"""Frames, sends and sockets that are too many: what the client is told, and when it is closed."""

import asyncio
import contextlib
from uuid import UUID

import pytest
from websockets.exceptions import ConnectionClosed

from common.limits import FRAMES
from gateway.runtime import runtime
from gateway.silence import unanswered_s
from tests.client.rest import Rest
from tests.client.socket import Refused, Socket
from tests.daphne_server import seen_reason
from tests.gateway.test_renewal import token_for  # noqa: F401  a fixture
from tests.gateway.waiting import until
from tests.gateway.wire import Wire

LATER = {"type": "error", "code": "rate_limited", "detail": "Too many frames; wait a little."}


@pytest.fixture
def frames(narrow, turned, ada, room):
    """Ten frames at once, then four a second; the clock stands still."""
    narrow(FRAMES_BURST=10, FRAMES_PER_S=4)


@pytest.fixture
async def bot(ada):
    """A bot of ada's."""
    made = await ada.call("POST", "bots/", {"username": "mill-bot"})
    issued = await ada.call("POST", f"bots/{made['id']}/tokens/", {"scopes": ["rooms:read"]})
    rest = Rest(ada.base_url)
    rest.access, rest.user = issued["token"], made
    yield rest
    await rest.close()


async def pings(wire, number):
    """The answers to so many pings at once."""
    for key in range(number):
        await wire.send({"type": "ping", "id": key})
    return [await wire.next() for _ in range(number)]


async def greeted(server, rest):
    wire = await Wire.open(server.ws, rest.access)
    assert (await wire.next())["type"] == "welcome"
    return wire


async def test_frames_over_the_limit_get_an_error_each_and_the_socket_lives_on(server, ada, frames, turned):
    async with await greeted(server, ada) as wire:
        answers = await pings(wire, 13)
        assert answers[:10] == [{"type": "pong", "id": key} for key in range(10)]
        assert answers[10:] == [LATER | {"id": key, "retry_after": 0.25} for key in (10, 11, 12)]
        turned.turn(0.25)
        assert [answer["type"] for answer in await pings(wire, 2)] == ["pong", "error"]
        turned.turn(60)
        assert {answer["type"] for answer in await pings(wire, 10)} == {"pong"}


async def test_every_kind_of_frame_counts_and_none_over_the_limit_is_carried_out(server, ada, room, frames):
    async with await greeted(server, ada) as wire:
        await pings(wire, 10)
        refused = [
            {"type": "message.send", "id": "s", "room": room, "client_id": "1", "body": "hi"},
            {"type": "subscribe", "id": 7, "rooms": "all"},
            {"type": "no.such", "id": "x"},
            {"type": "read", "id": "r", "room": room, "seq": 1},
        ]
        for frame in refused:
            assert await wire.ask(frame) == LATER | {"id": frame["id"], "retry_after": 0.25}
        for frame in ("nonsense", {"type": "ping"}, "[]"):
            assert await wire.ask(frame) == LATER | {"id": None, "retry_after": 0.25}
    assert await ada.history(room) == []


async def test_frames_that_are_none_count_too(settings, server, ada, frames):
    settings.BAD_FRAMES_PER_MINUTE = 100
    async with await greeted(server, ada) as wire:
        assert {(await wire.ask("x"))["code"] for _ in range(10)} == {"invalid"}
        assert (await wire.ask({"type": "ping", "id": 1}))["code"] == "rate_limited"


async def test_a_persons_sockets_share_one_bucket_and_others_have_their_own(server, ada, bob, frames):
    async with (
        await greeted(server, ada) as phone,
        await greeted(server, ada) as tablet,
        await greeted(server, bob) as his,
    ):
        assert {answer["type"] for answer in await pings(phone, 10)} == {"pong"}
        assert {answer["type"] for answer in await pings(tablet, 3)} == {"error"}
        assert {answer["type"] for answer in await pings(his, 10)} == {"pong"}


async def test_bots_pay_their_frames_with_their_owner(server, ada, bot, frames):
    async with await greeted(server, ada) as phone, await greeted(server, bot) as mill:
        assert {answer["type"] for answer in await pings(mill, 10)} == {"pong"}
        assert {answer["type"] for answer in await pings(phone, 3)} == {"error"}


async def test_who_goes_on_after_errors_is_closed_with_4429(server, ada, bob, frames, turned):
    async with await greeted(server, ada) as wire, await greeted(server, bob) as his:
        await pings(wire, 20)
        for key in range(30):
            await wire.send({"type": "ping", "id": f"on-{key}"})
        answers, code = await wire.ends()
        assert code == 4429
        assert wire.connection.close_reason == seen_reason("rate_limited")
        assert answers == [
            LATER | {"id": "on-0", "retry_after": 0.25},
            {
                "type": "error",
                "id": None,
                "code": "rate_limited",
                "detail": "Frames went on coming after errors that said too many did.",
            },
        ]
        assert {answer["type"] for answer in await pings(his, 10)} == {"pong"}
        turned.turn(5)
        async with await greeted(server, ada) as again:
            assert {answer["type"] for answer in await pings(again, 10)} == {"pong"}


async def test_who_waits_as_told_is_not_closed_however_often(server, ada, frames, turned):
    async with await greeted(server, ada) as wire:
        refused = 0
        for key in range(200):
            answer = await wire.ask({"type": "ping", "id": key})
            if answer["type"] == "error":
                refused += 1
                turned.turn(answer["retry_after"])
        assert refused > 90


async def test_what_was_not_heeded_is_forgotten_after_a_minute(server, ada, frames, turned):
    async with await greeted(server, ada) as wire:
        for _ in range(5):
            assert [answer["type"] for answer in await pings(wire, 20)] == ["pong"] * 10 + ["error"] * 10
            turned.turn(61)
        await pings(wire, 21)
        assert (await wire.ends())[1] == 4429


async def test_before_it_is_known_whose_a_socket_is_its_address_pays(server, ada, frames):
    async with await Wire.open(server.ws) as one, await Wire.open(server.ws) as two:
        assert {answer["type"] for answer in await pings(one, 10)} == {"pong"}
        answer = await two.ask({"type": "auth", "id": 1, "token": ada.access})
        assert (answer["id"], answer["code"]) == (1, "rate_limited")
        async with await greeted(server, ada) as known:
            assert {answer["type"] for answer in await pings(known, 10)} == {"pong"}


# --- sends --------------------------------------------------------------------------------------


async def send(wire, room, key):
    return await wire.ask({"type": "message.send", "id": key, "room": room, "client_id": key, "body": "hi"})


async def test_sends_over_the_limit_are_refused_with_the_time_and_never_close(
    server, ada, room, narrow, turned
):
    narrow(SENDS_BURST=3, SENDS_PER_S=2)
    async with await greeted(server, ada) as wire:
        for number in range(3):
            assert (await send(wire, room, f"{number}"))["data"]["message"]["seq"] == 4 + number
        for number in range(3, 300):
            await wire.send(
                {"type": "message.send", "id": number, "room": room, "client_id": f"{number}", "body": "hi"}
            )
        late = "Too many messages; wait a little."
        assert [await wire.next() for _ in range(297)] == [
            {"type": "error", "id": number, "code": "rate_limited", "detail": late, "retry_after": 0.5}
            for number in range(3, 300)
        ]
        again = await send(wire, room, "1")  # its answer was lost
        assert (again["data"]["message"]["seq"], again["data"]["duplicate"]) == (5, True)
        turned.turn(0.5)
        assert (await send(wire, room, "299"))["data"]["message"]["seq"] == 7
    assert [event["seq"] for event in await ada.log(room)] == list(range(1, 8))


async def test_rest_and_socket_share_the_limit_on_sends(server, ada, room, narrow, turned):
    narrow(SENDS_BURST=3, SENDS_PER_S=2)
    async with await greeted(server, ada) as wire:
        await send(wire, room, "1")
        await ada.send(room, "2", "hi")
        assert (await wire.next())["notice"] == "room.me"
        await send(wire, room, "3")
        assert (await send(wire, room, "4"))["code"] == "rate_limited"
        assert (await ada.send(room, "1", "hi"))[1] is True


async def test_edits_count_as_sends_and_a_message_has_so_many(server, ada, room, narrow, turned, settings):
    narrow(SENDS_BURST=3, SENDS_PER_S=2)
    settings.EDITS_PER_MESSAGE = 3

    async with await greeted(server, ada) as wire:
        message = (await send(wire, room, "1"))["data"]["message"]

        async def edit(body):
            frame = {"type": "message.edit", "id": 1, "room": room, "message": message["id"], "body": body}
            return await wire.ask(frame)

        for body in "12":
            assert (await edit(body))["data"]["message"]["body"] == body
        refused = await edit("3")
        assert (refused["code"], refused["retry_after"]) == ("rate_limited", 0.5)
        assert (await send(wire, room, "2"))["code"] == "rate_limited"
        turned.turn(0.5)
        assert (await edit("3"))["data"]["message"]["body"] == "3"
        turned.turn(0.5)
        assert (await edit("4"))["code"] == "forbidden"
        assert (await send(wire, room, "2"))["type"] == "ack"


# --- sockets ------------------------------------------------------------------------------------

TOO_MANY = {"type": "error", "id": None, "code": "too_many_connections"}


@pytest.fixture
def three(narrow):
    narrow(SOCKETS_PER_PERSON=3)


async def told_and_closed(wire):
    """The frames before the close with 4408."""
    frames, code = await wire.ends()
    assert code == 4408
    assert wire.connection.close_reason == seen_reason("too_many_connections")
    assert frames[-1].pop("detail")
    assert frames[-1] == TOO_MANY
    return frames[:-1]


@pytest.mark.parametrize("how", ["header", "subprotocol", "room"])
async def test_one_socket_too_many_is_accepted_told_so_and_closed(
    server, ada, bob, room, three, connect, how
):
    sockets = [await connect(ada) for _ in range(2)] + [await connect(ada, room=room)]
    url = f"{server.ws}rooms/{room}/" if how == "room" else server.ws
    if how == "subprotocol":
        wire = await Wire.open(url, offers=("parley.v1", f"bearer.{ada.access}"))
    else:
        wire = await Wire.open(url, ada.access)
    assert await told_and_closed(wire) == []
    for socket in sockets:
        await socket.request("ping")
    await connect(bob)
    await sockets[0].close()
    await until(lambda: len(server.runtime().hub._people) == 2, "it is gone")
    await connect(ada)


async def test_sockets_of_bots_are_their_owners(server, ada, bob, bot, three, connect):
    await connect(ada)
    for _ in range(2):
        await connect(bot)
    for rest in (ada, bot):
        assert await told_and_closed(await Wire.open(server.ws, rest.access)) == []
    await connect(bob)


@pytest.mark.daphne_cannot("bounds")
async def test_a_socket_that_answers_no_ping_gives_its_place_to_a_new_one(
    settings, server, ada, bot, three, connect
):
    """A phone that changed networks: the server has not noticed yet that its old lines are dead."""
    settings.SOCKET_SILENT_S = 60
    wires = [await greeted(server, rest) for rest in (ada, bot, ada)]
    for wire in wires[1:]:
        wire.connection.transport.pause_reading()

    async def ping(*people):
        for rest in people:
            for consumer in tuple(runtime().hub._people[UUID(rest.user_id)]):
                consumer.scope["extensions"]["parley.transport"]._protocol.send_keepalive_ping()

    async def silent():
        return [unanswered_s(each.scope) for local in runtime().hub._people.values() for each in local]

    try:
        server.call(ping(bot))
        assert await told_and_closed(await Wire.open(server.ws, ada.access)) == []  # not for long enough
        settings.SOCKET_SILENT_S = 0.3
        await until(lambda: max(server.call(silent())) > 0.3, "no answer in time")
        newer = await greeted(server, ada)  # in the place of the bot's, which is silent
        server.call(ping(ada))
        await until(
            lambda: [each > 0.3 for each in server.call(silent()) if each] == [True],
            "no answer in time, but of the others",
        )
        newest = await greeted(server, ada)
        assert await told_and_closed(await Wire.open(server.ws, ada.access)) == []
        for wire in (wires[0], newer, newest):
            assert await wire.ask({"type": "ping", "id": 1}) == {"type": "pong", "id": 1}
        for wire in wires[1:]:
            wire.connection.transport.resume_reading()
            frames, code = await wire.ends()
            assert (frames[-1]["code"], code) == ("too_slow", 1013)
        for wire in (newer, newest):
            await wire.connection.close()
    finally:
        for wire in wires:
            wire.connection.transport.abort()


async def test_a_first_auth_of_one_too_many_is_answered_and_then_closed(server, ada, three, connect):
    for _ in range(3):
        await connect(ada)
    wire = await Wire.open(server.ws)
    await wire.send({"type": "auth", "id": "a", "token": ada.access})
    (answer,) = await told_and_closed(wire)
    assert (answer["id"], answer["code"]) == ("a", "too_many_connections")


async def test_renewing_takes_no_place(server, ada, three, connect):
    sockets = [await connect(ada) for _ in range(3)]
    for socket in sockets * 2:
        await socket.request("auth", token=ada.access)


async def test_however_a_socket_ends_its_place_is_free(server, ada, three):
    for number in range(12):
        wire = await greeted(server, ada)
        if number % 3 == 0:
            wire.connection.transport.abort()
        elif number % 3 == 1:
            await wire.connection.close()
        else:
            await wire.send(b"binary")
            await wire.ends()
        await until(lambda: not server.runtime().hub._people, "it is gone")
    async with await Wire.open(server.ws, ada.access) as wire:
        assert (await wire.next())["type"] == "welcome"


async def test_sockets_opened_at_once_are_no_more_than_may_be(server, ada, three):
    wires = await asyncio.gather(*(Wire.open(server.ws, ada.access) for _ in range(12)))
    first = [(await wire.next()) for wire in wires]
    assert sorted(frame["type"] for frame in first) == ["error"] * 9 + ["welcome"] * 3
    for wire in wires:
        await wire.connection.close()


async def test_an_address_has_so_many_sockets_that_have_not_said_whose_they_are(server, ada, narrow, connect):
    narrow(UNKNOWN_SOCKETS_PER_ADDRESS=3)
    wires = [await Wire.open(server.ws) for _ in range(3)]
    assert await told_and_closed(await Wire.open(server.ws)) == []
    async with await Wire.open(server.ws, address="127.0.0.9") as elsewhere:
        assert (await elsewhere.ask({"type": "ping", "id": 1}))["type"] == "pong"
    await connect(ada)  # its credential comes with it
    assert (await wires[0].ask({"type": "auth", "id": 1, "token": ada.access}))["type"] == "ack"
    async with await Wire.open(server.ws) as wire:
        assert (await wire.ask({"type": "ping", "id": 1}))["type"] == "pong"
        assert await told_and_closed(await Wire.open(server.ws)) == []
    for wire in wires:
        await wire.connection.close()


async def test_a_refused_credential_is_told_so_whoever_else_is_silent_at_its_address(
    server,
    ada,
    narrow,
    token_for,  # noqa: F811
):
    """Behind one address with many who say nothing a client must learn that its token is to be renewed."""
    narrow(UNKNOWN_SOCKETS_PER_ADDRESS=3)
    silent = [await Wire.open(server.ws) for _ in range(3)]
    for token, why in ((token_for(-1), "token_expired"), ("nonsense", "token_invalid")):
        async with await Wire.open(server.ws, token) as wire:
            frames, code = await wire.ends()
            assert (frames[-1]["code"], code) == (why, 4401)
    for wire in silent:
        await wire.connection.close()


async def test_refused_credentials_do_not_keep_places(server, narrow):
    narrow(UNKNOWN_SOCKETS_PER_ADDRESS=3)
    for _ in range(10):
        wire = await Wire.open(server.ws, "nonsense")
        assert (await wire.ends())[1] == 4401
        await wire.connection.wait_closed()


async def test_what_a_client_needs_to_keep_to_the_limits_is_in_welcome(server, ada, narrow):
    narrow(SENDS_PER_S=3, SENDS_BURST=7, FRAMES_PER_S=11, FRAMES_BURST=13, SOCKETS_PER_PERSON=17)
    socket = await Socket.connect(server.http, ada.access)
    limits = socket.welcome["limits"]
    assert (limits["sends_per_s"], limits["sends_burst"]) == (3, 7)
    assert (limits["frames_per_s"], limits["frames_burst"]) == (11, 13)
    assert limits["sockets_per_person"] == 17
    await socket.close()
    assert FRAMES.look("nobody").burst == 13


async def test_rooms_subscribed_to_are_counted_over_all_frames_and_sockets(narrow, ada, room, connect):
    narrow(SUBSCRIBED_ROOMS_BURST=10, SUBSCRIBED_ROOMS_PER_S=1)
    rooms = [room] + [(await ada.create_room())["id"] for _ in range(4)]
    first, second = await connect(ada), await connect(ada)
    assert len((await first.request("subscribe", rooms="all"))["rooms"]) == 5
    assert len((await second.request("subscribe", rooms=[{"room": key} for key in rooms]))["rooms"]) == 5
    for asked in ("all", [{"room": room}]):
        with pytest.raises(Refused) as refused:
            await first.request("subscribe", rooms=asked)
        assert refused.value.code == "rate_limited"


async def test_sockets_opened_in_a_loop_are_limited_by_address_and_by_person(
    narrow, turned, server, ada, bob
):
    narrow(HANDSHAKES_BURST=3, HANDSHAKES_PER_S=1)

    async def opened(token=None):
        async with await Wire.open(server.ws, token) as wire:
            if token is None:
                with contextlib.suppress(ConnectionClosed):
                    await wire.send({"type": "ping", "id": 1})
            frame = await wire.next()
            return frame["type"] if frame["type"] != "error" else (await wire.ends())[1]

    assert [await opened() for _ in range(5)] == ["pong"] * 3 + [4429] * 2
    assert [await opened("nonsense")] == [4429]  # nothing is looked up
    assert [await opened(ada.access) for _ in range(4)] == ["welcome"] * 3 + [4429]
    assert await opened(bob.access) == "welcome"  # from the same address
    turned.turn(1)
    assert [await opened(), await opened(ada.access)] == ["pong", "welcome"]
