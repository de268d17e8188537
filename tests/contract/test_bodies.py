"""Every call that takes a body takes a JSON object of at most 128 KiB, and nothing else."""

import gzip

import pytest

from messaging.models import Message
from tests.bots import make_bot
from tests.contract.document import document, operations

TAKE = {operation.id: operation for operation in operations() if "requestBody" in operation.spec}
OPERATIONS = sorted(TAKE)


def needs_nothing(operation):
    """Whether its body may ask for nothing: a change of which every field may be absent."""
    [media] = TAKE[operation].spec["requestBody"]["content"].values()
    shape = document()["components"]["schemas"][media["schema"]["$ref"].rsplit("/", 1)[-1]]
    return TAKE[operation].method in ("PATCH", "PUT") and not shape.get("required")


@pytest.fixture
def call(ada, bob):
    """`call(operation, body, content_type)` on ada's room, her message in it, and her bot."""
    room = ada.room(bob)
    ids = {
        "room_id": room,
        "message_id": ada.send(room)["id"],
        "user_id": bob.id,
        "bot_id": make_bot(ada).id,
    }

    def run(operation, body, content_type="application/json"):
        path = TAKE[operation].path.format(**ids)
        return ada.call(TAKE[operation].method, path, body, content_type=content_type)

    return run


OTHER_TYPES = [
    "text/plain", "text/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
    "application/xml", "application/json-patch+json", "application/problem+json", "application/x-ndjson", "json", "",
]  # fmt: skip
NO_OBJECTS = [
    b"[]", b"[{}]", b'"x"', b"1", b"null", b"true", b"", b" ", b"{", b"{}{}", b"{'a': 1}", b"\xef\xbb\xbf{}",
    '{"seq": 1}'.encode("utf-16"), b'{"seq": 1,}', b"// x\n{}", b"[" * 100_000,
]  # fmt: skip


@pytest.mark.parametrize("operation", OPERATIONS)
def test_another_content_type_is_not_read(call, operation):
    for content_type in OTHER_TYPES:
        answer = call(operation, b'{"seq": 1}', content_type)
        assert (answer.status, answer.code) == (415, "unsupported_type"), content_type


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "Application/JSON", "application/json;v=1"]
)
def test_json_however_it_is_named_is_read(call, content_type):
    assert call("rooms_read", b'{"seq": 1}', content_type).status == 200


@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_is_no_json_object_is_invalid(call, operation):
    for body in NO_OBJECTS:
        if body == b"" and needs_nothing(operation):
            continue
        answer = call(operation, body)
        assert (answer.status, answer.code) == (400, "invalid"), body[:20]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_body_of_more_than_128_kib_is_too_large(call, operation):
    answer = call(operation, b'{"x": "' + b"x" * (128 * 1024) + b'"}')
    assert (answer.status, answer.code) == (413, "too_large")


def test_a_body_of_128_kib_is_read(call):
    start, end = b'{"client_id": "x:1", "body": "Hello", "x": "', b'"}'
    body = start + b"x" * (128 * 1024 - len(start) - len(end)) + end
    assert call("messages_send", body).status == 201
    assert call("messages_send", body + b" ").status == 413
    assert Message.objects.count() == 2


def test_ten_megabytes_are_refused(call):
    assert call("messages_send", b'{"client_id": "x:1", "body": "' + b"x" * 10_000_000 + b'"}').status == 413


def test_a_compressed_body_is_no_json(ada):
    body = gzip.compress(b'{"kind": "public", "name": "Engine room"}')
    answer = ada.call("POST", "rooms/", body, **{"Content-Encoding": "gzip"})
    assert (answer.status, answer.code) == (400, "invalid")


def test_a_field_named_twice_is_read_once(call):
    assert call("rooms_read", b'{"seq": 1, "seq": 2, "force": true}').body["last_read_seq"] == 2


@pytest.mark.parametrize("operation", OPERATIONS)
def test_fields_nobody_knows_are_ignored_alone(call, operation):
    """They do not make a body of nothing but them valid."""
    answer = call(operation, b'{"nobody": 1, "": 2, "__proto__": {}}')
    if needs_nothing(operation):
        assert answer.status in (200, 201)
    else:
        assert (answer.status, answer.code) == (400, "invalid")
