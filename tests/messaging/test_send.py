"""Sending one message over REST."""

import unicodedata
from datetime import timedelta

import pytest

from common.ids import new_id
from messaging.models import Message
from rooms.models import LogEntry, Membership


@pytest.fixture
def room(ada, bob):
    """Ada's private room with bob in it; its head is 3."""
    return ada.room(bob)


def sent(person, room, **fields):
    return person.post(f"rooms/{room}/messages/", {"client_id": "phone:1", "body": "Hello"} | fields)


def test_a_message_has_the_next_number_and_is_the_same_wherever_it_is_read(ada, bob, room):
    answer = sent(ada, room)
    assert answer.status == 201
    message = answer.body
    assert (message["seq"], message["changed_seq"], message["room"]) == (4, 4, room)
    assert (message["body"], message["client_id"], message["author"]["id"]) == ("Hello", "phone:1", ada.id)
    assert message == bob.see(f"rooms/{room}/messages/{message['id']}/")
    assert message == bob.see(f"rooms/{room}/messages/")["results"][0]
    event = bob.events(room)[-1]
    assert (event["type"], event["seq"], event["actor"]) == ("message.created", 4, ada.id)
    assert event["at"] == message["created_at"]
    assert event["data"] == {"message": {n: value for n, value in message.items() if n != "me"}}


def test_again_with_the_same_client_id_is_the_first_message(ada, room):
    first, again = sent(ada, room), sent(ada, room)
    assert (first.status, again.status) == (201, 200)
    assert again.body == first.body
    assert (Message.objects.count(), LogEntry.objects.count()) == (1, 4)


def test_again_however_late_and_by_another_spelling(ada, room):
    first = sent(ada, room, body="é")
    for _ in range(3):
        ada.send(room)
    again = sent(ada, room, body="e\u0301", attachments=[], metadata={}, reply_to=None)
    assert (again.status, again.body) == (200, first.body)


def test_other_content_under_a_used_client_id_is_a_conflict(ada, room):
    sent(ada, room)
    answer = sent(ada, room, body="Hello!")
    assert (answer.status, answer.code) == (409, "client_id_conflict")
    assert sent(ada, room).status == 200
    assert LogEntry.objects.count() == 4


def test_a_client_id_is_its_authors_and_its_rooms(ada, bob, room):
    other = ada.room(bob)
    assert [
        sent(*who, body=f"{n}").status for n, who in enumerate([(ada, room), (bob, room), (ada, other)])
    ] == [201] * 3


def test_who_left_may_not_repeat_what_they_sent(ada, bob, room):
    sent(bob, room)
    bob.leave(room)
    assert sent(bob, room).code == "not_found"
    ada.add(room, bob)
    assert sent(bob, room).status == 200


@pytest.mark.parametrize("client_id", ["", "x" * 65, "a b", "é", "a/b", None, 7, ["x"]])
def test_a_client_id_that_is_none_is_invalid(ada, room, client_id):
    answer = sent(ada, room, client_id=client_id)
    assert (answer.status, answer.code, answer.attrs) == (400, "invalid", {"client_id"})


@pytest.mark.parametrize("missing", ["client_id", "body"])
def test_client_id_and_body_are_required(ada, room, missing):
    body = {"client_id": "phone:1", "body": "Hello"}
    del body[missing]
    answer = ada.post(f"rooms/{room}/messages/", body)
    assert (answer.code, answer.attrs) == ("invalid", {missing})


@pytest.mark.parametrize("text", ["x" * 8_000, "é" * 8_000, "😀" * 8_000, "\u1f82" * 8_000, "日" * 8_000])
def test_eight_thousand_code_points_are_kept(ada, room, text):
    assert sent(ada, room, body=text).body["body"] == text


def test_the_length_counts_in_nfc(ada, room):
    apart = unicodedata.normalize("NFD", "\u1f82" * 8_000)
    assert len(apart) == 32_000
    assert sent(ada, room, body=apart).body["body"] == "\u1f82" * 8_000


@pytest.mark.parametrize("text", ["x" * 8_001, "😀" * 8_001, " " * 8_001, "\ufb2c" * 8_000])
def test_one_more_is_invalid(ada, room, text):
    answer = sent(ada, room, body=text)
    assert (answer.code, answer.attrs) == ("invalid", {"body"})
    assert answer.body["errors"][0]["code"] == "too_long"


@pytest.mark.parametrize(
    "text", ["", " ", "\n\t\r ", "\u2003\u00a0\u3000", "\u200b", "\ufeff \u2060", None, 7, [], {}]
)
def test_a_blank_body_is_invalid(ada, room, text):
    answer = sent(ada, room, body=text)
    assert (answer.code, answer.attrs) == ("invalid", {"body"})
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    "text",
    [
        " Hello \n",
        "\u200b.",
        "\u202eabc",
        "👩‍👩‍👧",
        "می‌خواهم",
        "\ufeff.",
        "<script>",
        "'; --",
        "%s",
        "null",
        '{"a":1}',
    ],
)
def test_a_text_is_stored_as_sent(ada, room, text):
    message = sent(ada, room, body=text).body
    assert message["body"] == text
    assert ada.see(f"rooms/{room}/messages/")["results"][0]["body"] == text
    assert Message.objects.get().body == text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("thread", str(new_id())),
        ("thread", 0),
        ("thread", ""),
        ("thread", []),
        ("thread", {}),
        ("attachments", [str(new_id())]),
        ("attachments", {}),
        ("attachments", ""),
        ("attachments", 0),
        ("attachments", False),
        ("metadata", []),
        ("reply_to", []),
    ],
)
def test_what_is_not_built_yet_is_refused_and_never_dropped(ada, room, field, value):
    answer = sent(ada, room, **{field: value})
    assert (answer.status, answer.code, answer.attrs) == (400, "invalid", {field})


def test_sending_moves_ones_own_position_and_nobody_elses(ada, bob, room):
    message = sent(ada, room).body
    assert ada.see(f"rooms/{room}/")["me"]["last_read_seq"] == message["seq"]
    assert (
        bob.see(f"rooms/{room}/")["me"] | {"last_read_seq": 3, "unread_count": 1}
        == (bob.see(f"rooms/{room}/")["me"])
    )


def test_repeating_moves_no_position(ada, bob, room):
    sent(ada, room)
    bob.send(room)
    sent(ada, room)
    assert ada.see(f"rooms/{room}/")["me"]["last_read_seq"] == 4


def test_the_muted_may_repeat_but_not_send(ada, bob, room, turned):
    sent(bob, room)
    until = turned.at.replace(microsecond=0) + timedelta(seconds=60)
    Membership.objects.filter(user=bob.user).update(muted_until=until)
    assert sent(bob, room).status == 200
    answer = sent(bob, room, client_id="phone:2")
    assert (answer.status, answer.code) == (403, "muted")
    assert sent(bob, room, body="other").code == "client_id_conflict"
    turned.turn(61)
    assert sent(bob, room, client_id="phone:2").status == 201


def test_one_message_is_found_only_under_its_own_room(ada, bob, room):
    other = ada.room()
    message = sent(ada, room).body["id"]
    for person, path in [
        (ada, f"rooms/{other}/messages/{message}/"),
        (ada, f"rooms/{room}/messages/{new_id()}/"),
        (ada, f"rooms/{room}/messages/x/"),
        (ada, f"rooms/{room}/messages/{message.upper()}/"),
        (bob, f"rooms/{other}/messages/{message}/"),
    ]:
        answer = person.get(path)
        assert (answer.status, answer.code) == (404, "not_found"), path
