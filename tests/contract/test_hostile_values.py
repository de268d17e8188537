"""Numbers, texts and cursors as hostile as they come, over REST."""

import pytest

from accounts.models import User
from common.paging import write_cursor
from messaging.models import Message
from rooms.models import Ban, Room
from tests.bots import make_bot
from tests.contract.document import operations
from tests.filling import fill

NUMBERS = {
    "-1": False, "0": True, str(2**31): True, str(2**63 - 1): True, str(2**63): False, str(10**30): False,
    "1e5": False, "true": False, "%201": False, "%2B1": False, "1_000": False, "1.0": False,
    "0x10": False, "%EF%BC%91": False, "NaN": False, "null": False, "%00": False, "9" * 4000: False,
    "[1]": False, "%ED%A0%80": False,
}  # fmt: skip
QUERIES = ["messages/?before=", "messages/?after=", "messages/?around=", "events/?since="]


@pytest.fixture
def room(ada, bob):
    room = ada.room(bob)
    fill(room, ada, bob, count=3)
    return room


@pytest.mark.parametrize("query", QUERIES)
def test_a_number_of_a_query_is_a_plain_one_or_invalid(ada, room, query):
    for number, is_one in NUMBERS.items():
        answer = ada.get(f"rooms/{room}/{query}{number}")
        if is_one:
            assert answer.status == (410 if "since" in query and number != "0" else 200), number
        else:
            name = query.split("?")[1].rstrip("=")
            assert (answer.status, answer.code, answer.attrs) == (400, "invalid", {name}), number


BY_CURSOR = [
    "auth/sessions/?",
    "users/?search=&",
    "users/me/blocks/?",
    "rooms/?",
    "rooms/public/?",
    "rooms/{room_id}/members/?",
    "rooms/{room_id}/bans/?",
    "rooms/{room_id}/messages/{message_id}/history/?",
    "bots/?",
    "bots/{bot_id}/tokens/?",
]
LISTS = [*BY_CURSOR, "rooms/{room_id}/messages/?", "rooms/{room_id}/events/?since=0&"]


@pytest.fixture
def at(ada, room):
    """`at(path)`: with the ids of ada's room, a message of hers in it, and her bot."""
    ids = {"room_id": room, "message_id": ada.send(room)["id"], "bot_id": make_bot(ada).id}
    return lambda path: path.format(**ids)


@pytest.mark.parametrize("path", LISTS)
def test_a_limit_is_capped_or_invalid(ada, at, path):
    for number, is_one in NUMBERS.items():
        answer = ada.get(f"{at(path)}limit={number}")
        if number in ("9" * 4000, str(2**63), str(10**30)) or (is_one and number != "0"):
            assert answer.status == 200, number
        else:
            assert (answer.status, answer.code, answer.attrs) == (400, "invalid", {"limit"}), number


def test_every_list_of_the_document_is_tried():
    paged = {
        operation.path
        for operation in operations()
        if any(parameter["name"] == "limit" for parameter in operation.spec.get("parameters", ()))
    }
    assert paged == {path.split("?")[0] for path in LISTS}


KEY = "019aa5e2-7d3c-7a41-9c1b-2f60c35e8d11"
FORGED = [
    *NUMBERS,
    "x" * 5000,
    *(
        write_cursor(*key)
        for key in [
            (-1,), (2**63,), (10**30,), ("1",), (None,), (True,), (1.5,), ({},), ([],), (1, 2, 3),
            ("0001-01-01T00:00:00+14:00", KEY), ("9999-12-31T23:59:59-14:00", KEY),
            ("0001-01-01T00:00:00Z", KEY), ("9999-12-31T23:59:59.999999Z", KEY), ("2026-01-01T00:00:00", KEY),
            ("a\x00",), ("x" * 1_000,), ("2026-01-01T00:00:00Z", "x"), ("2026-01-01T00:00:00Z",),
        ]
    ),
]  # fmt: skip


@pytest.mark.parametrize("path", BY_CURSOR)
def test_a_forged_cursor_is_a_page_or_invalid(ada, at, path):
    for cursor in FORGED:
        answer = ada.get(f"{at(path)}cursor={cursor}")
        assert answer.status in (200, 400), cursor
        if answer.status == 400:
            assert (answer.code, answer.attrs) == ("invalid", {"cursor"})


def test_a_number_of_a_body_is_a_whole_one_or_invalid(ada, room):
    for number in (b"-1", b"9223372036854775808", b"1" + b"0" * 30, b"1" + b"0" * 5000, b"1e400", b"NaN",
                   b"Infinity", b"-Infinity", b"1.5", b'"1"', b"true", b"null", b"[]", b"{}"):  # fmt: skip
        answer = ada.post(f"rooms/{room}/read/", b'{"seq": %s}' % number)
        assert (answer.status, answer.code) == (400, "invalid"), number


# operation, a body with the text in it as JSON, whether the text may be any that people write
WRITERS = [
    ("rooms/{}/messages/", b'{"client_id": "x:1", "body": %s}', True),
    ("rooms/{}/messages/", b'{"client_id": %s, "body": "x"}', False),
    ("rooms/", b'{"kind": "private", "name": %s}', False),
    ("rooms/", b'{"kind": "private", "name": "x", "topic": %s}', True),
    ("rooms/", b'{"kind": %s, "name": "x"}', False),
    ("rooms/", b'{"kind": "private", "name": "x", "client_id": %s}', False),
    ("rooms/", b'{"kind": "private", "name": "x", "members": [%s]}', False),
    ("PATCH users/me/", b'{"username": %s}', False),
    ("PATCH users/me/", b'{"bio": %s}', True),
    ("PATCH users/me/", b'{"avatar": %s}', True),
    ("auth/password/change/", b'{"old": "x", "new": %s}', False),
    ("PATCH rooms/{}/", b'{"name": %s}', False),
    ("PATCH rooms/{}/", b'{"topic": %s}', True),
    ("PATCH rooms/{}/", b'{"avatar": %s}', True),
    ("PATCH rooms/{}/", b'{"kind": %s}', False),
    ("PATCH rooms/{}/me/", b'{"notifications": %s}', False),
    ("PATCH rooms/{}/members/{bob}/", b'{"role": %s}', False),
    ("PATCH rooms/{}/members/{bob}/", b'{"muted_until": %s}', False),
    ("PUT rooms/{}/bans/{bob}/", b'{"reason": %s}', True),
    ("PUT rooms/{}/bans/{bob}/", b'{"until": %s}', False),
    ("rooms/{}/members/", b'{"user": %s}', False),
    ("rooms/{}/members/", b'{"users": [%s]}', False),
    ("auth/register/", b'{"username": %s, "password": "correct horse battery"}', False),
    (
        "auth/register/",
        b'{"username": "dan", "password": "correct horse battery", "display_name": %s}',
        False,
    ),
    ("auth/register/", b'{"username": "dan", "password": "correct horse battery", "email": %s}', False),
    ("bots/", b'{"username": %s}', False),
    ("bots/", b'{"username": "dan", "bio": %s}', True),
]


def write(person, path, body):
    """The answer to a writer's body; POST unless its path names another method."""
    method, _, path = path.rpartition(" ")
    return person.call(method or "POST", path, body)


def count():
    return [model.objects.count() for model in (Room, Message, User, Ban)]


NO_TEXTS = [
    b'"a\\u0000b"', b'"\x00"', b'"\\ud800"', b'"\\udc00\\ud800"', b'"\xed\xa0\x80"', b'"\xff"', b'"\xc0\x80"',
    b'"' + b"x" * 100_000 + b'"', b"[" * 5_000 + b"]" * 5_000, b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    b"7", b"true", b'{"$ne": 1}',
]  # fmt: skip


@pytest.mark.parametrize("text", NO_TEXTS)
def test_a_text_that_is_none_is_no_new_text_of_a_message_either(ada, at, text):
    message = ada.see(at("rooms/{room_id}/messages/{message_id}/"))
    answer = ada.call("PATCH", at("rooms/{room_id}/messages/{message_id}/"), b'{"body": %s}' % text)
    assert (answer.status, answer.code) == (400, "invalid")
    assert ada.see(at("rooms/{room_id}/messages/{message_id}/")) == message


@pytest.mark.parametrize(("path", "body"), [writer[:2] for writer in WRITERS], ids=range(len(WRITERS)))
def test_a_text_that_is_none_is_refused_everywhere_and_nothing_is_stored(ada, bob, room, path, body):
    before = count()
    for text in NO_TEXTS:
        answer = write(ada, path.format(room, bob=bob.id), body % text)
        assert (answer.status, answer.code) == (400, "invalid"), text[:40]
    assert count() == before


@pytest.mark.parametrize(
    ("path", "body"), [w[:2] for w in WRITERS if not w[2] and b"display" not in w[1] and b"email" not in w[1]]
)
def test_a_name_that_shows_nothing_or_hides_something_is_refused(ada, bob, room, path, body):
    before = count()
    for text in (b'""', b'" "', b'"\\u202eabc"', b'"a\\u200bb"', b'"a\\nb"'):
        assert write(ada, path.format(room, bob=bob.id), body % text).code == "invalid", text
    assert count() == before


@pytest.mark.parametrize("text", ["\u200b", "\u200c\u200d", "\u2060", " \ufeff\n"])
def test_a_message_that_shows_nothing_is_blank(ada, room, text):
    before = count()
    answer = ada.post(f"rooms/{room}/messages/", {"client_id": "c", "body": text})
    assert (answer.code, answer.body["errors"][0]["code"]) == ("invalid", "blank")
    assert count() == before


@pytest.mark.parametrize("text", ["\u202eabc", "\u200b.", "a\nb", "می‌خواهم", "👩‍👩‍👧", "\x1b[31m"])
def test_a_text_that_people_write_is_kept(ada, room, text):
    assert ada.send(room, text)["body"] == text
    assert ada.see(f"rooms/{ada.room(topic=text)}/")["topic"] == text
