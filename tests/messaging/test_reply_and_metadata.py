"""What a message may carry beside its text: the message it replies to, and the application's own data."""

import json
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.ids import new_id
from messaging.models import Message
from tests.api import path_of


@pytest.fixture
def room(ada, bob):
    """Ada's private room with bob in it; its head is 3."""
    return ada.room(bob)


def sent(person, room, **fields):
    return person.post(f"rooms/{room}/messages/", {"client_id": "phone:1", "body": "Hello"} | fields)


# --- reply_to -------------------------------------------------------------------------------------


def test_a_reply_names_its_message_wherever_it_is_read(ada, bob, room):
    first = ada.send(room)
    reply = sent(bob, room, reply_to=first["id"])
    assert (reply.status, reply.body["reply_to"]) == (201, first["id"])
    assert ada.see(path_of(reply.body)) == reply.body
    assert ada.events(room)[-1]["data"]["message"]["reply_to"] == first["id"]
    assert ada.see(path_of(first)) == first


def test_a_reply_to_a_message_of_another_room_or_none_is_invalid(ada, bob, room):
    elsewhere = ada.send(ada.room(bob))["id"]
    unseen = ada.send(ada.room())["id"]
    for reply_to in (elsewhere, unseen, str(new_id()), room, "", "x", 7, False, {}, elsewhere.upper()):
        answer = sent(bob, room, reply_to=reply_to)
        assert (answer.status, answer.code, answer.attrs) == (400, "invalid", {"reply_to"}), reply_to
    assert ada.see(f"rooms/{room}/")["last_seq"] == 3


def test_what_is_deleted_meanwhile_can_still_be_replied_to(ada, bob, room):
    first = ada.send(room)
    ada.erase(first)
    assert sent(bob, room, reply_to=first["id"]).status == 201


def test_a_tombstone_keeps_what_it_replied_to(ada, room):
    first = ada.send(room)
    reply = sent(ada, room, reply_to=first["id"]).body
    ada.erase(first)
    assert ada.erase(ada.edit(reply, "other"))["reply_to"] == first["id"]


def test_another_reply_is_other_content(ada, room):
    one, two = ada.send(room)["id"], ada.send(room)["id"]
    first = sent(ada, room, reply_to=one)
    assert sent(ada, room, reply_to=one).body == first.body
    for other in ({"reply_to": two}, {}, {"reply_to": one, "metadata": {"a": 1}}):
        assert sent(ada, room, **other).code == "client_id_conflict"


# --- metadata -------------------------------------------------------------------------------------


def nested(depth):
    """An object `depth` deep, of objects and arrays in turn."""
    value = {} if depth % 2 else []
    for left in range(depth - 1, 0, -1):
        value = {"a": value} if left % 2 else [value]
    return value


def same(one, other):
    """Equal to the last digit and in the same order, as 1, 1.0 and True are not."""
    return json.dumps(one) == json.dumps(other)


@pytest.mark.parametrize(
    "metadata",
    [
        {"a": 1},
        {"b": 1, "a": {"d": [1, {"c": None}], "": True}},
        {"n": [0, 1.0, 0.1, 1e300, 5e-324, -1e-7, 2**63, 12345678901234567890123, 100.0]},
        {"n": [int(sys.float_info.max), -int(sys.float_info.max)]},
        {"é": "e\u0301", "💥": "\u202e", "\n": "\\u0000", "'": "'; --", "%s": "%s"},
        {"a": "x" * 4_088},
    ],
)
def test_metadata_comes_back_as_it_was_sent(ada, bob, room, metadata):
    answer = sent(ada, room, metadata=metadata)
    assert answer.status == 201
    again = sent(ada, room, metadata=metadata)
    assert again.status == 200
    for found in (
        answer.body,
        again.body,
        bob.see(path_of(answer.body)),
        bob.see("rooms/")["results"][0]["last_message"],
        bob.events(room)[-1]["data"]["message"],
        ada.edit(answer.body, "other"),
    ):
        assert same(found["metadata"], metadata)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abé💥\"\\ ", max_size=4), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(metadata=st.dictionaries(st.text("abé", max_size=3), VALUES, max_size=5))
def test_any_json_object_comes_back(ada, metadata):
    message = sent(ada, ada.room(), metadata=metadata)
    assert message.status == 201
    assert same(message.body["metadata"], metadata)
    assert same(ada.see(path_of(message.body))["metadata"], metadata)


def test_without_metadata_there_is_an_empty_object(ada, room):
    first = sent(ada, room)
    assert first.body["metadata"] == {}
    for empty in (None, {}):
        assert sent(ada, room, metadata=empty).body == first.body


def test_other_metadata_is_other_content_and_another_order_is_not(ada, room):
    first = sent(ada, room, metadata={"a": 1, "b": {"c": 1, "d": 2}})
    again = sent(ada, room, metadata={"b": {"d": 2, "c": 1}, "a": 1})
    assert (again.status, again.body) == (200, first.body)
    for other in ({"a": 1}, {}, {"a": 2, "b": {"c": 1, "d": 2}}):
        assert sent(ada, room, metadata=other).code == "client_id_conflict"


@pytest.mark.parametrize(
    "metadata",
    [
        [], [1], "x", 0, False, {"a": "x" * 4_089}, {"é" * 2_048: 1}, {"a": [0] * 2_048}, nested(33),
        {"a": "\x00"}, {"\x00": 1}, {"a": [{"b": ["x\x00y"]}]},
        {"a": 10**309}, {"a": [{"b": -(10**3_000)}]},
    ],
)  # fmt: skip
def test_what_is_no_small_object_is_invalid(ada, room, metadata):
    answer = sent(ada, room, metadata=metadata)
    assert (answer.status, answer.code, answer.attrs) == (400, "invalid", {"metadata"})
    assert not Message.objects.exists()


@pytest.mark.parametrize("text", [b'{"a": "\\ud800"}', b'{"\\udc00": 1}', b'{"a": 1e400}', b'{"a": NaN}'])
def test_what_is_no_json_is_invalid(ada, room, text):
    answer = ada.post(f"rooms/{room}/messages/", b'{"client_id": "x", "body": "x", "metadata": %s}' % text)
    assert (answer.status, answer.code) == (400, "invalid")


def test_metadata_may_be_thirty_two_deep(ada, room):
    assert same(sent(ada, room, metadata=nested(32)).body["metadata"], nested(32))


def test_in_a_direct_room_all_of_it_works_too(ada, bob):
    room = ada.direct(bob)
    first = ada.send(room)
    answer = sent(bob, room, body="@ada", reply_to=first["id"], metadata={"a": 1})
    assert (answer.body["reply_to"], answer.body["mentions"]) == (first["id"], [ada.id])
