"""What a body names beyond its fields changes nothing."""

import contextlib

import pytest
from django.db import models, transaction

from accounts.models import ApiToken, Session, User
from common.ids import new_id
from messaging.models import Message, MessageEdit
from rooms.models import Ban, LogEntry, Membership, Room
from tests.api import PASSWORD
from tests.bots import make_bot
from tests.contract.document import operations

MODELS = (User, Session, ApiToken, Room, Membership, Ban, LogEntry, Message, MessageEdit)
# Words of the contract, and of frameworks, that are no columns of ours.
WORDS = ("me", "current", "deleted", "owner", "owners", "author", "sender", "user_id", "room", "reason", "is_superuser",
         "groups", "user_permissions", "pk", "_state", "__class__", "banned_until", "duplicate", "type")  # fmt: skip
# operation: its body, and the fields that are the body's own or are refused by it.
WRITERS = {
    "auth_register": ({"username": "dan", "password": PASSWORD}, ("email", "display_name", "device")),
    "auth_log_in": ({"username": "ada", "password": PASSWORD}, ("device",)),
    "auth_refresh": ({"refresh": "REFRESH"}, ()),
    "auth_password_change": ({"old": PASSWORD, "new": "analytical engine no. 2"}, ()),
    "users_me_update": ({"bio": "x"}, ("username", "display_name", "email", "avatar")),
    "rooms_create": ({"kind": "private", "name": "x", "members": ["BOB"], "client_id": "x"}, ("topic",)),
    "rooms_update": ({"name": "x"}, ("kind", "topic", "avatar", "slow_mode_s")),
    "rooms_me_update": ({"favourite": True}, ("notifications", "hidden")),
    "rooms_read": ({"seq": 3}, ("force",)),
    "members_add": ({"user": "EVE"}, ("users", "role")),
    "messages_edit": ({"body": "x"}, ()),
    "members_update": ({"role": "admin"}, ("muted_until",)),
    "bans_put": ({"reason": "x"}, ("until",)),
    "bots_create": ({"username": "dan"}, ("display_name", "bio", "avatar")),
    "bots_update": ({"bio": "x"}, ("username", "display_name", "avatar")),
    "bots_tokens_create": ({"scopes": ["rooms:read"]}, ("name", "expires_at")),
    "messages_send": ({"client_id": "x:1", "body": "x"}, ("reply_to", "thread", "attachments", "metadata")),
}
IDS = {operation.id: operation for operation in operations() if "requestBody" in operation.spec}


def poison(field):
    """A value that would do harm."""
    match field:
        case models.BooleanField():
            return True
        case models.IntegerField() | models.BigIntegerField():
            return 999
        case models.DateTimeField():
            return "2001-01-01T00:00:00Z"
        case models.JSONField():
            return {"x": 1}
        case models.UUIDField() | models.ForeignKey():
            return str(new_id())
    return {"role": "owner", "kind": "public"}.get(field.name, "evil-of-mallory")


def everything():
    """Every column of every model, by all its names, with a poisonous value."""
    found = {}
    for model in MODELS:
        for field in model._meta.concrete_fields:
            found |= {field.name: poison(field), field.attname: poison(field)}
    return found | dict.fromkeys(WORDS, "owner")


def rows():
    """All rows, without what is new each time: ids, times and secrets."""
    volatile = (models.UUIDField, models.DateTimeField, models.ForeignKey, models.AutoField)
    secret = ("password", "refresh_jti", "access_jti", "used_refresh", "token_hash")
    return {
        model.__name__: sorted(
            repr({
                field.name: bool(value) if isinstance(field, volatile) else value
                for field in model._meta.concrete_fields
                if field.name not in secret
                for value in [getattr(row, field.attname)]
            })
            for row in model.objects.all()
        )
        for model in MODELS
    }  # fmt: skip


def test_every_writer_is_in_the_table():
    assert WRITERS.keys() == IDS.keys()


@pytest.mark.parametrize("poisoned", ["", "nested"])
@pytest.mark.parametrize("writer", sorted(WRITERS))
def test_what_a_body_names_beyond_its_fields_changes_nothing(ada, bob, eve, undone, writer, poisoned):
    body, own = WRITERS[writer]
    words = {"BOB": bob.id, "EVE": eve.id, "REFRESH": ada.refresh}
    body = {
        name: [words.get(v, v) for v in value] if isinstance(value, list) else words.get(value, value)
        for name, value in body.items()
    }
    room = ada.room(bob)
    ids = {
        "room_id": room,
        "message_id": ada.send(room)["id"],
        "user_id": bob.id,
        "bot_id": make_bot(ada).id,
    }
    path = IDS[writer].path.format(**ids)
    extra = {name: value for name, value in everything().items() if name not in (*body, *own)}
    if poisoned == "nested":
        extra = {name: {"id": value, name: value} for name, value in extra.items()}
    assert len(extra) > 50
    results = []
    for sent in (body, body | extra):
        with undone():
            answer = ada.call(IDS[writer].method, path, sent)
            assert answer.status < 300, answer.text
            results.append((answer.status, rows()))
            for value in ("evil-of-mallory", "2001-01-01"):
                assert value not in answer.text
            assert not any(str(value) in answer.text for value in extra.values() if len(str(value)) == 36)
    assert results[0] == results[1]


@pytest.fixture
def undone(db):
    """`with undone():` what is written in it is undone at its end."""

    @contextlib.contextmanager
    def twin():
        with transaction.atomic():
            yield
            transaction.set_rollback(True)

    return twin
