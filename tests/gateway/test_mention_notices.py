"""The notice `mention`: to the sockets of whom a message names, wherever it was sent or edited."""

from uuid import UUID

from accounts.models import Block
from rooms.models import Membership
from tests.gateway.waiting import in_database


async def told(socket, last):
    """The texts of all mention notices up to the one of the text `last`, which must come."""

    def mention(frame):
        return frame["type"] == "notice" and frame["notice"] == "mention"

    await socket.find(lambda frame: mention(frame) and frame["data"]["message"]["body"] == last)
    return [r.frame["data"]["message"]["body"] for r in socket.frames if mention(r.frame)]


async def test_every_socket_of_who_is_named_is_told_with_the_message(ada, bob, room, connect):
    sockets = [await connect(bob), await connect(bob, room=room)]
    message, _ = await ada.send(room, "1", "@bob")
    acked = await (await connect(ada)).request("message.send", room=room, client_id="2", body="@BOB?")
    for socket in sockets:
        assert await told(socket, "@BOB?") == ["@bob", "@BOB?"]
        notices = [r.frame for r in socket.frames if r.frame["type"] == "notice"]
        shown = {name: value for name, value in message.items() if name != "me"}
        assert notices[0] == {
            "type": "notice", "notice": "mention", "data": {"room_id": room, "message": shown},
        }  # fmt: skip
        assert notices[1]["data"]["message"] == acked["message"]


async def test_nobody_else_is_told(ada, bob, eve, room, connect):
    author, stranger, reader = await connect(ada), await connect(eve), await connect(bob)
    await author.request("message.send", room=room, client_id="1", body="@ada @eve ada@bob.example")
    await author.request("message.send", room=room, client_id="2", body="@bob")
    assert await told(reader, "@bob") == ["@bob"]
    own = (await eve.create_room(members=[ada.user_id]))["id"]
    await eve.send(own, "1", "@ada")
    await ada.send(own, "1", "@eve")
    assert await told(author, "@ada") == ["@ada"]
    assert await told(stranger, "@eve") == ["@eve"]


async def test_an_edit_tells_whom_it_newly_names(ada, bob, room, connect):
    reader = await connect(bob)
    message, _ = await ada.send(room, "1", "nobody")
    for body in ("@bob", "@bob!", "nobody", "@bob again"):
        await ada.edit(room, message["id"], body)
    assert await told(reader, "@bob again") == ["@bob", "@bob again"]


async def test_who_wants_no_notifications_or_is_blocked_is_not_told(ada, bob, room, connect):
    reader = await connect(bob)
    mine = {"user_id": UUID(bob.user_id), "room_id": UUID(room)}

    def notifications(wanted):
        return in_database(lambda: Membership.objects.filter(**mine).update(notifications=wanted))

    for number, wanted in enumerate(("none", "mentions", "all")):
        await notifications(wanted)
        await ada.send(room, f"{number}", f"@bob {wanted}")
    people = {"blocker_id": UUID(bob.user_id), "blocked_id": UUID(ada.user_id)}
    block = await in_database(lambda: Block.objects.create(**people))
    await ada.send(room, "blocked", "@bob blocked")
    await in_database(block.delete)
    await ada.send(room, "last", "@bob last")
    assert await told(reader, "@bob last") == ["@bob mentions", "@bob all", "@bob last"]
