"""What a token that may only write is told: what it wrote to, as it is then, and nothing else."""

from accounts import scopes
from tests.bots import another_token, make_bot


def test_a_token_that_only_writes_rooms_sees_in_answers_the_room_and_no_message(ada, bob):
    bot = make_bot(ada)
    room = ada.room(bob, kind="public", topic="Cogs")
    ada.send(room, "secret")
    writer = another_token(bot, scopes.ROOMS_WRITE)
    joined = writer.join(room)
    assert (joined["topic"], joined["member_count"]) == ("Cogs", 3)
    ada.update(room, bot, role="admin")
    changed = writer.change(room, topic="Steam")
    assert [seen.get("last_message") for seen in (joined, changed)] == [None, None]
    assert "secret" not in str((joined, changed))
    for path in ("", "members/", f"members/{bob.id}/", "bans/", "messages/", "events/?since=0"):
        assert writer.get(f"rooms/{room}/{path}").code == "scope_missing"
    for path in ("rooms/", "rooms/public/"):
        assert writer.get(path).code == "scope_missing"


def test_a_token_that_only_writes_messages_is_told_no_text_of_anybody_else(ada, bob):
    bot = make_bot(ada)
    room = ada.room(bob, bot)
    ada.update(room, bot, role="admin")
    his = bob.send(room, "secret")
    writer = another_token(bot, scopes.MESSAGES_WRITE)
    assert writer.send(room, "hi", reply_to=his["id"])["reply_to"] == his["id"]
    path = f"rooms/{room}/messages/{his['id']}/"
    assert writer.call("PATCH", path, {"body": "x"}).code == "forbidden"
    assert writer.get(path).code == "scope_missing"
    assert writer.erase(his)["body"] == ""
