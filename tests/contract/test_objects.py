"""Every object has every field of docs/rest.md's table, of the right type, wherever it is shown."""

import re
from typing import Any

import pytest

from tests.api import path_of
from tests.contract.document import document, problems_of

ID, TIME, COUNT, TEXT, FLAG = "id", "time", "count", "text", "flag"
URL = "text"


def maybe(kind: Any) -> tuple[str, Any]:
    return ("maybe", kind)


AUTHOR = {
    "id": ID,
    "username": TEXT,
    "display_name": TEXT,
    "avatar": maybe(URL),
    "is_bot": FLAG,
    "deleted": FLAG,
}
USER = AUTHOR | {"bio": TEXT}
OWN_USER = USER | {"email": maybe(TEXT), "created_at": TIME}
SESSION = {"id": ID, "device": TEXT, "created_at": TIME, "last_seen_at": TIME, "current": FLAG}
API_TOKEN = {
    "id": ID, "name": TEXT, "scopes": [("rooms:read", "rooms:write", "messages:read", "messages:write")],
    "created_at": TIME, "expires_at": maybe(TIME), "last_used_at": maybe(TIME),
}  # fmt: skip
ROLE = ("owner", "admin", "member")
ROOM = {
    "id": ID, "kind": ("public", "private", "direct"), "name": maybe(TEXT), "topic": TEXT, "avatar": maybe(URL),
    "created_by": ID, "created_at": TIME, "last_seq": COUNT, "first_seq": COUNT, "changed_seq": COUNT,
    "member_count": COUNT, "slow_mode_s": COUNT,
}  # fmt: skip
ROOM_ME = {
    "role": ROLE, "last_read_seq": COUNT, "unread_count": COUNT, "mention_count": COUNT,
    "notifications": ("all", "mentions", "none"), "favourite": FLAG, "muted_until": maybe(TIME),
}  # fmt: skip
MEMBER = {"user": AUTHOR, "role": ROLE, "muted_until": maybe(TIME), "joined_at": TIME, "changed_seq": COUNT}
BAN = {"user": AUTHOR, "reason": TEXT, "until": maybe(TIME), "created_at": TIME, "created_by": ID}
MESSAGE = {
    "id": ID, "room": ID, "seq": COUNT, "changed_seq": COUNT, "client_id": TEXT, "author": AUTHOR, "body": TEXT,
    "created_at": TIME, "edited_at": maybe(TIME), "deleted_at": maybe(TIME), "reply_to": maybe(ID),
    "thread": maybe(ID), "reply_count": COUNT, "last_reply_at": maybe(TIME), "mentions": [ID],
    "reactions": [{"emoji": TEXT, "count": COUNT}],
    "attachments": [
        {"id": ID, "name": TEXT, "type": TEXT, "size": COUNT, "width": maybe(COUNT), "height": maybe(COUNT),
         "has_thumbnail": FLAG}
    ],
    "metadata": {}, "pinned": FLAG,
}  # fmt: skip
REST_MESSAGE = MESSAGE | {"me": {"reactions": [TEXT]}}
REST_ROOM = ROOM | {"me": ROOM_ME}
LISTED_ROOM = REST_ROOM | {"last_message": maybe(REST_MESSAGE)}

_PATTERNS = {
    ID: re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
    TIME: re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z"),
}


def held(kind: Any, value: Any, where: str = "$") -> None:
    """Assert that `value` is exactly of this kind: no field less, and none more."""
    match kind:
        case ("maybe", inner):
            assert value is None or held(inner, value, where) is None
        case tuple():
            assert value in kind, where
        case list():
            assert isinstance(value, list), where
            for index, item in enumerate(value):
                held(kind[0], item, f"{where}.{index}")
        case dict():
            assert isinstance(value, dict), where
            assert value.keys() == kind.keys(), where
            for name, inner in kind.items():
                held(inner, value[name], f"{where}.{name}")
        case "count":
            assert type(value) is int, where
            assert value >= 0, where
        case "flag":
            assert type(value) is bool, where
        case "text":
            assert type(value) is str, where
        case _:
            assert _PATTERNS[kind].fullmatch(value), f"{where}: {value}"


def is_a(component: str, kind: Any, value: Any) -> None:
    """Held against the contract's table and against the document's component."""
    held(kind, value)
    assert problems_of(component, value) == []


@pytest.fixture
def room(ada, bob):
    room = ada.room(bob, topic="Cogs")
    ada.send(room)
    return room


def test_users_and_sessions(api, ada, bob):
    opened = api.post("auth/token/", {"username": "ada", "password": "correct horse battery staple"}).body
    is_a("OwnUser", OWN_USER, opened["user"])
    is_a("Session", SESSION, opened["session"])
    is_a("OwnUser", OWN_USER, ada.see("users/me/"))
    is_a("User", USER, bob.see(f"users/{ada.id}/"))
    for user in bob.see(f"users/?ids={ada.id},{bob.id}")["results"]:
        is_a("User", USER, user)


def test_bots_and_their_tokens(ada):
    bot = ada.post("bots/", {"username": "mill-bot"}).body
    is_a("User", USER, bot)
    is_a("User", USER, ada.see(f"bots/{bot['id']}/"))
    page = ada.see("bots/")
    held({"results": [USER], "next_cursor": maybe(TEXT)}, page)
    assert problems_of("UserPage", page) == []
    tokens = f"bots/{bot['id']}/tokens/"
    issued = ada.post(tokens, {"scopes": ["rooms:read"], "expires_at": "2999-01-01T00:00:00Z"}).body
    is_a("IssuedApiToken", API_TOKEN | {"token": TEXT}, issued)
    page = ada.see(tokens)
    held({"results": [API_TOKEN], "next_cursor": maybe(TEXT)}, page)
    assert problems_of("ApiTokenPage", page) == []


def test_rooms(ada, bob, room):
    is_a("Room", REST_ROOM, ada.see(f"rooms/{room}/"))
    is_a("Room", REST_ROOM, ada.post("rooms/", {"kind": "public", "name": "x"}).body)
    public = ada.room(kind="public")
    is_a("Room", REST_ROOM, bob.join(public))
    is_a("Room", REST_ROOM, ada.change(public, avatar="https://example.com/x.png"))
    is_a("RoomMe", ROOM_ME, bob.call("PATCH", f"rooms/{public}/me/", {"favourite": True}).body)
    found = ada.see("rooms/public/?search=x")
    held({"results": [LISTED_ROOM], "next_cursor": maybe(TEXT)}, found)
    others = bob.see("rooms/public/?search=x")
    held(
        {"results": [LISTED_ROOM | {"me": (None,), "last_message": (None,)}], "next_cursor": (None,)}, others
    )
    assert problems_of("RoomPage", others) == []
    page = ada.see("rooms/")
    held({"results": [LISTED_ROOM], "next_cursor": maybe(TEXT)}, page)
    assert problems_of("RoomPage", page) == []
    assert [room["last_message"] is None for room in page["results"]] == [True, True, False]


def test_direct_rooms(ada, bob):
    more = {"members": [AUTHOR], "me": ROOM_ME | {"hidden": FLAG}}
    made = ada.call("PUT", f"rooms/direct/{bob.id}/").body
    is_a("Room", REST_ROOM | more, made)
    is_a("Room", REST_ROOM | more, bob.see(f"rooms/{made['id']}/"))
    is_a("Room", LISTED_ROOM | more, bob.see("rooms/")["results"][0])
    is_a("RoomMe", more["me"], bob.call("PATCH", f"rooms/{made['id']}/me/", {"hidden": True}).body)
    created = bob.events(made["id"])[0]["data"]
    held({"room": ROOM | {"members": [AUTHOR]}}, created)
    assert created["room"]["name"] is None


def test_members(ada, bob, eve, room):
    page = ada.see(f"rooms/{room}/members/")
    held({"results": [MEMBER], "next_cursor": maybe(TEXT), "room_seq": COUNT}, page)
    assert problems_of("MemberPage", page) == []
    is_a("Member", MEMBER, ada.see(f"rooms/{room}/members/{bob.id}/"))
    is_a("Member", MEMBER, ada.post(f"rooms/{room}/members/", {"user": eve.id}).body)
    several = ada.post(f"rooms/{room}/members/", {"users": [eve.id]}).body
    is_a("MemberList", {"results": [MEMBER]}, several)


def test_a_changed_member_and_bans(ada, bob, eve, room):
    until = "2099-01-01T00:00:00Z"
    changed = ada.call("PATCH", f"rooms/{room}/members/{bob.id}/", {"role": "admin", "muted_until": until})
    is_a("Member", MEMBER, changed.body)
    for body in ({"until": until}, {"reason": "Spam"}):
        is_a("Ban", BAN, ada.call("PUT", f"rooms/{room}/bans/{eve.id}/", body).body)
    page = ada.see(f"rooms/{room}/bans/")
    held({"results": [BAN], "next_cursor": maybe(TEXT)}, page)
    assert problems_of("BanPage", page) == []


def test_messages(ada, room):
    page = ada.see(f"rooms/{room}/messages/")
    held(
        {"results": [REST_MESSAGE], "has_before": FLAG, "has_after": FLAG, "room_seq": COUNT, "epoch": TEXT},
        page,
    )
    assert problems_of("MessagePage", page) == []
    message = page["results"][0]
    is_a("Message", REST_MESSAGE, ada.see(f"rooms/{room}/messages/{message['id']}/"))
    is_a("Message", REST_MESSAGE, ada.post(f"rooms/{room}/messages/", {"client_id": "x", "body": "x"}).body)
    more = ada.send(room, "@bob", reply_to=message["id"], metadata={"a": [1]})
    assert problems_of("Message", more) == []
    held(REST_MESSAGE, more | {"metadata": {}})
    is_a("Message", REST_MESSAGE, ada.edit(message, "other"))
    versions = ada.see(f"{path_of(message)}history/")
    held({"results": [{"body": TEXT, "written_at": TIME}], "next_cursor": maybe(TEXT)}, versions)
    assert problems_of("MessageVersionPage", versions) == []
    is_a("Message", REST_MESSAGE, ada.erase(message))


def test_the_read_position(ada, room):
    is_a("Read", {"last_read_seq": COUNT, "unread_count": COUNT}, ada.read(room, 1))


def test_problems_name_everything(ada):
    answer = ada.post("rooms/", {"kind": "x", "name": "x"})
    assert answer.headers["Content-Type"] == "application/problem+json"
    errors = [{"attr": TEXT, "code": TEXT, "detail": TEXT}]
    fields = dict.fromkeys(("type", "title", "detail", "code"), TEXT) | {
        "status": COUNT,
        "request_id": ID,
        "errors": errors,
    }
    is_a("Problem", fields, answer.body)


def test_events_hold_objects_without_anything_of_a_viewer(ada, bob, room):
    ada.erase(ada.edit(ada.send(room), "other"))
    ada.call("PATCH", f"rooms/{room}/members/{bob.id}/", {"role": "admin"})
    bob.leave(room)
    ada.change(room, topic="Steam")
    data = {
        "room.created": {"room": ROOM},
        "room.updated": {"room": ROOM},
        "member.joined": {"member": MEMBER},
        "member.updated": {"member": MEMBER},
        "member.left": {"user": ID, "reason": ("left", "removed", "banned", "deleted")},
        "message.created": {"message": MESSAGE},
        "message.updated": {"message": MESSAGE},
        "message.deleted": {"message": MESSAGE},
    }
    page = ada.see(f"rooms/{room}/events/?since=0")
    assert problems_of("EventPage", page) == []
    assert {event["type"] for event in page["results"]} == data.keys()
    for event in page["results"]:
        kind = data[event["type"]]
        held({"type": TEXT, "room": ID, "seq": COUNT, "at": TIME, "actor": maybe(ID), "data": kind}, event)
        for name, component in (("room", "Room"), ("member", "Member"), ("message", "Message")):
            if name in event["data"]:
                assert problems_of(component, event["data"][name]) == []


@pytest.mark.parametrize(
    ("component", "kind", "optional"),
    [
        ("Author", AUTHOR, set()),
        ("User", USER, set()),
        ("OwnUser", OWN_USER, set()),
        ("Session", SESSION, set()),
        ("ApiToken", API_TOKEN, set()),
        ("IssuedApiToken", API_TOKEN | {"token": TEXT}, set()),
        ("Room", LISTED_ROOM | {"members": [AUTHOR]}, {"me", "last_message", "members"}),
        ("RoomMe", ROOM_ME | {"hidden": FLAG}, {"hidden"}),
        ("Member", MEMBER, set()),
        ("Ban", BAN, set()),
        ("Message", REST_MESSAGE, {"me"}),
    ],
)
def test_the_document_names_the_same_fields(component, kind, optional):
    schema = document()["components"]["schemas"][component]
    assert schema["properties"].keys() == kind.keys()
    assert set(schema["required"]) == kind.keys() - optional
