"""Who may call what; and that a private room looks like an id that never was (docs/rest.md).

The table below names every operation of the document on a room: a new one without a line in it fails.
"""

import pytest

from common.ids import new_id
from rooms.models import Membership
from tests.api import register
from tests.contract.document import operations
from tests.statements import shape

# operation: (body or None, query, what a member, an admin and an owner get)
CALLS = {
    "rooms_get": (None, "", 200, 200, 200),
    "rooms_join": (None, "", 200, 200, 200),
    "rooms_leave": (None, "", 204, 204, 409),
    "rooms_read": ({"seq": 1}, "", 200, 200, 200),
    "events_list": (None, "?since=0", 200, 200, 200),
    "messages_list": (None, "?limit=5", 200, 200, 200),
    "messages_send": ({"client_id": "x:1", "body": "Hello"}, "", 201, 201, 201),
    "messages_get": (None, "", 200, 200, 200),
    "members_list": (None, "?limit=5", 200, 200, 200),
    "members_add": ({"user": "{dan}"}, "", 403, 201, 201),
    "members_get": (None, "", 200, 200, 200),
    "members_remove": (None, "", 403, 204, 204),
}
ON_ROOMS = {operation.id: operation for operation in operations() if "{room_id}" in operation.path}
ROLES = ("member", "admin", "owner")
OPERATIONS = sorted(ON_ROOMS)


def call(person, operation_id, *, room, message, user, dan=""):
    """The answer to `person` of an operation on these ids."""
    body, query, *_ = CALLS[operation_id]
    operation = ON_ROOMS[operation_id]
    path = operation.path.format(room_id=room, message_id=message, user_id=user)
    if body is not None:
        body = {name: dan if value == "{dan}" else value for name, value in body.items()}
    return person.call(operation.method, path + query, body)


def visible(answer):
    """All of an answer that a client could compare, without what differs between any two answers."""
    body = {name: value for name, value in answer.body.items() if name not in ("request_id", "instance")}
    headers = {n.lower(): v for n, v in answer.headers.items() if n.lower() not in ("x-request-id", "date")}
    return answer.status, body, headers


def seen(statements, ask):
    """What is answered, and the shape of every statement it took."""
    answers = []
    run = statements(lambda: answers.append(ask()))
    return visible(answers[0]), [shape(sql) for sql in run]


class Place:
    """A room of ada's with a member, an admin, one who was removed, a message; eve is a stranger to it."""

    def __init__(self, ada, eve, kind):
        self.owner, self.stranger = ada, eve
        self.member, self.admin, self.removed = register("bob"), register("carol"), register("mallory")
        self.dan = register("dan")
        self.room = ada.room(self.member, self.removed, kind=kind)
        ada.add(self.room, self.admin, role="admin")
        self.message = ada.send(self.room)["id"]
        ada.remove(self.room, self.removed)
        self.target = register("target")
        ada.add(self.room, self.target)

    def ask(self, person, operation_id, **ids):
        known = {"room": self.room, "message": self.message, "user": self.target.id, "dan": self.dan.id}
        return call(person, operation_id, **(known | ids))


@pytest.fixture
def place(ada, eve):
    return lambda kind: Place(ada, eve, kind)


def test_the_table_names_every_operation_on_a_room():
    assert CALLS.keys() == ON_ROOMS.keys()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_without_a_token_every_id_answers_alike(place, api, operation):
    private = place("private")

    class Nobody:
        def call(self, method, path, body):
            return api.call(method, path, body)

    known = private.ask(Nobody(), operation)
    never = private.ask(Nobody(), operation, room=new_id(), message=new_id(), user=new_id())
    assert (known.status, known.code) == (401, "not_authenticated")
    assert visible(known) == visible(never)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_private_room_looks_like_an_id_that_never_was(place, statements, operation):
    private = place("private")
    rows = Membership.objects.count()
    for person in (private.stranger, private.removed):
        answers = [
            seen(statements, lambda ids=ids, person=person: private.ask(person, operation, **ids))
            for ids in ({}, {"room": new_id()}, {"room": new_id(), "message": new_id(), "user": new_id()})
        ]
        status, body, _ = answers[0][0]
        assert (status, body["code"]) == (404, "not_found")
        assert answers[0] == answers[1] == answers[2]
    assert Membership.objects.count() == rows


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_public_room_says_that_one_is_not_in_it(place, operation):
    public = place("public")
    for person in (public.stranger, public.removed):
        answer = public.ask(person, operation)
        if operation == "rooms_join":
            assert answer.status == 200
        else:
            assert (answer.status, answer.code) == (403, "not_a_member")
            never = public.ask(person, operation, message=new_id(), user=new_id())
            assert visible(answer) == visible(never)


@pytest.mark.parametrize(("kind", "role"), [("public", "member"), *(("private", role) for role in ROLES)])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_in_it_each_role_may_do_what_it_may(place, operation, kind, role):
    room = place(kind)
    answer = room.ask(getattr(room, role), operation)
    assert answer.status == CALLS[operation][2 + ROLES.index(role)], answer.text


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if "{message_id}" in ON_ROOMS[name].path])
def test_a_message_of_another_room_looks_like_one_that_never_was(place, statements, operation):
    private = place("private")
    elsewhere = private.owner.send(private.owner.room())["id"]
    asked = [
        seen(statements, lambda id_=id_: private.ask(private.member, operation, message=id_))
        for id_ in (elsewhere, new_id())
    ]
    assert asked[0] == asked[1]
    assert asked[0][0][0] == 404


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if "{user_id}" in ON_ROOMS[name].path])
def test_a_user_who_is_not_in_it_looks_like_one_who_never_was(place, statements, operation):
    private = place("private")
    asked = [
        seen(statements, lambda id_=id_: private.ask(private.owner, operation, user=id_))
        for id_ in (private.dan.id, private.removed.id, new_id())
    ]
    assert asked[0] == asked[1] == asked[2]
    assert asked[0][0][0] == 404


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_id_spelt_otherwise_is_no_id(place, operation):
    """Also for those who are in the room: one thing has one name."""
    private = place("private")
    spelt = (
        private.room.upper(),
        private.room.replace("-", ""),
        "x",
        "1",
        "-1",
        "%00",
        "é",
        "{}",
        "null",
        "x" * 300,
    )
    for text in spelt:
        answer = private.ask(private.member, operation, room=text)
        assert (answer.status, answer.code) == (404, "not_found"), text
