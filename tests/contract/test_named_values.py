"""The values that the document names for a field are the ones that are taken."""

import pytest

from tests.bots import make_bot
from tests.contract.document import document


def named(shape, field):
    schema = document()["components"]["schemas"][shape]["properties"][field]
    return {value for part in schema.get("anyOf", [schema]) for value in part.get("enum", ())}


@pytest.mark.parametrize("kind", ["public", "private", "direct", "Public", ""])
def test_a_room_is_made_of_the_kinds_named_alone(ada, kind):
    answer = ada.post("rooms/", {"kind": kind, "name": "Engine room"})
    assert (answer.status == 201) == (kind in named("CreateRoomBody", "kind"))
    assert answer.status == 201 or answer.attrs == {"kind"}


@pytest.mark.parametrize("role", ["owner", "admin", "member", "guest", "Member", ""])
def test_a_member_is_added_in_the_roles_named_alone(ada, bob, role):
    answer = ada.post(f"rooms/{ada.room()}/members/", {"user": bob.id, "role": role})
    assert (answer.status == 201) == (role in named("AddMembersBody", "role"))
    assert answer.status == 201 or answer.attrs == {"role"}


@pytest.mark.parametrize("role", ["owner", "admin", "member", "guest", "Member", ""])
def test_a_member_becomes_what_is_named_alone(ada, bob, role):
    answer = ada.call("PATCH", f"rooms/{ada.room(bob)}/members/{bob.id}/", {"role": role})
    assert (answer.status == 200) == (role in named("UpdateMemberBody", "role"))
    assert answer.status == 200 or answer.attrs == {"role"}


@pytest.mark.parametrize(
    "scope", ["rooms:read", "rooms:write", "messages:read", "messages:write", "rooms", "*", ""]
)
def test_a_token_is_given_the_scopes_named_alone(ada, scope):
    schema = document()["components"]["schemas"]["IssueTokenBody"]["properties"]["scopes"]
    answer = ada.post(f"bots/{make_bot(ada).id}/tokens/", {"scopes": [scope]})
    assert (answer.status == 201) == (scope in schema["items"]["enum"])
    assert answer.status == 201 or answer.attrs == {"scopes.0"}


@pytest.mark.parametrize("what", ["all", "mentions", "none", "some", "All", ""])
def test_notifications_are_what_is_named_alone(ada, what):
    answer = ada.call("PATCH", f"rooms/{ada.room()}/me/", {"notifications": what})
    assert (answer.status == 200) == (what in named("UpdateMySettingsBody", "notifications"))
    assert answer.status == 200 or answer.attrs == {"notifications"}
