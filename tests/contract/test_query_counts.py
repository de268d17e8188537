"""How many statements a call takes: pinned, and the same however much there is (docs/architecture.md)."""

import uuid

import pytest
from django.db import connection

from accounts import services as accounts
from messaging.services import send_messages
from rooms.models import Membership
from rooms.selectors import current_epoch, places
from rooms.services import add_members, create_room, open_direct_room
from tests.api import PASSWORD, Person, path_of
from tests.filling import crowd, draft, fill
from tests.statements import asked

SPLIT = 1 if connection.vendor == "sqlite" else 0
"""A hundred memberships are more parameters than SQLite takes in one statement."""


@pytest.fixture
def rooms(ada, bob):
    """`rooms(count)`: ids of new rooms of ada's with bob in each."""
    current_epoch()

    def make(count: int) -> list[str]:
        return [
            str(create_room(creator_id=ada.user.id, kind="private", name=f"{n}", members=[bob.id]).room.id)
            for n in range(count)
        ]

    return make


def count(statements, work):
    return len(statements(work))


def see(person: Person, path: str):
    return lambda: person.see(path)


def test_logging_in(statements, api, ada):
    body = {"username": "ada", "password": PASSWORD}
    assert count(statements, lambda: api.post("auth/token/", body)) == 2
    for _ in range(20):
        accounts.log_in(username="ada", password=PASSWORD)
    assert count(statements, lambda: api.post("auth/token/", body)) == 2


def test_who_calls_is_one_statement(statements, ada):
    assert count(statements, see(ada, "users/me/")) == 1


@pytest.mark.parametrize("spread", [1, 50])
@pytest.mark.parametrize("size", [1, 100])
def test_a_batch_of_sends(statements, ada, bob, rooms, size, spread):
    """Lock; senders and known `client_id`s; log, heads, messages, positions."""
    made = rooms(spread)
    drafts = [draft(ada if n % 2 else bob, made[n % spread]) for n in range(size)]
    assert count(statements, lambda: send_messages(drafts)) == 6
    assert count(statements, lambda: send_messages(drafts)) == 3  # repeated: the messages are read


def test_a_send_writes_in_one_statement_on_postgresql(ada, rooms):
    drafts = [draft(ada, rooms(1)[0]) for _ in range(3)]
    assert len(asked(lambda: send_messages(drafts))) == {"postgresql": 3, "sqlite": 6}[connection.vendor]


@pytest.mark.parametrize("size", [1, 100])
@pytest.mark.parametrize(
    ("body", "reply", "metadata", "more"),
    [
        ("plain", False, {"a": 1}, 0),
        ("@nobody", False, None, 1),  # whom the names mean
        ("@bob and @ada", False, None, 3),  # … who blocks whom; whom it mentions
        ("plain", True, None, 1),  # what is replied to
        ("@bob and @ada", True, {"a": 1}, 4),
    ],
)
def test_a_batch_of_more_than_text(statements, ada, bob, rooms, size, body, reply, metadata, more):
    made = rooms(5)
    first = [ada.send(room)["id"] for room in made]
    drafts = [
        draft(
            bob if n % 2 else ada,
            made[n % 5],
            body,
            reply_to=first[n % 5] if reply else None,
            metadata=metadata,
        )
        for n in range(size)
    ]
    drafts += [draft(ada, room) for room in made]
    assert count(statements, lambda: send_messages(drafts)) == 6 + more
    assert count(statements, lambda: send_messages(drafts)) == 3


@pytest.mark.parametrize("size", [1, 100])
def test_a_batch_in_direct_rooms(statements, ada, bob, eve, size):
    """… and who blocks whom."""
    rooms = [str(open_direct_room(user_id=ada.user.id, other_id=other.id).room.id) for other in (bob, eve)]
    drafts = [draft(ada, rooms[n % 2]) for n in range(size)]
    assert count(statements, lambda: send_messages(drafts)) == 7
    assert count(statements, lambda: send_messages(drafts)) == 3


def test_a_send_over_rest_is_the_batch_and_who_calls(statements, ada, rooms):
    (room,) = rooms(1)
    for messages in (0, 500):
        fill(room, ada, count=messages)
        assert count(statements, lambda: ada.send(room)) == 7


def test_changing_a_message(statements, ada, bob, rooms):
    """Who calls; the room, my membership, the message; log, heads; what it said, what it says (or what it
    said, whom it mentioned, the tombstone)."""
    (room,) = rooms(1)
    for messages in (0, 500):
        fill(room, ada, count=messages)
        message = bob.send(room)
        assert count(statements, lambda: bob.edit(message, "other")) == 8  # noqa: B023
        assert count(statements, lambda: bob.edit(message, "other")) == 4  # noqa: B023
        for _ in range(20):
            bob.edit(message, "more")
            bob.edit(message, "other")
        for limit in (1, 200):
            path = f"{path_of(message)}history/?limit={limit}"
            assert count(statements, see(ada, path)) == 4
        assert count(statements, lambda: ada.erase(message)) == 9  # noqa: B023
        assert count(statements, lambda: ada.erase(message)) == 4  # noqa: B023


@pytest.mark.parametrize("query", ["", "before=9", "after=9", "around=9"])
def test_history(statements, ada, bob, rooms, query):
    """Who calls, my place in the room with the epoch, the messages with what lies beside them; `around` on each side."""
    (room,) = rooms(1)
    expected = {"": 3, "before=9": 3, "after=9": 3, "around=9": 4}[query]
    for messages in (10, 490):
        fill(room, ada, bob, count=messages)
        for limit in (1, 5, 200):
            path = f"rooms/{room}/messages/?{query}&limit={limit}"
            assert count(statements, see(bob, path)) == expected


def test_my_rooms(statements, ada, bob, rooms):
    """Who calls, the rooms with all that is counted, the newest messages with their authors."""
    made = rooms(5)
    fill(made[0], ada, bob, count=10)
    assert count(statements, see(ada, "rooms/?limit=200")) == 3
    for room in made:
        fill(room, ada, bob, count=500)
    assert count(statements, see(ada, "rooms/?limit=200")) == 3
    made += rooms(55)
    for room in made:
        fill(room, ada, bob, count=10)
    for path in ("rooms/", "rooms/?limit=200", "rooms/?kind=private"):
        assert count(statements, see(ada, path)) == 3


def test_my_rooms_without_a_message(statements, ada, rooms):
    rooms(3)
    assert count(statements, see(ada, "rooms/")) <= 3


def test_one_room(statements, ada, bob, rooms):
    (room,) = rooms(1)
    for messages in (0, 500):
        fill(room, ada, bob, count=messages)
        assert count(statements, see(bob, f"rooms/{room}/")) == 3


def test_members(statements, ada, rooms):
    (room,) = rooms(1)
    for people in (0, 90):
        if people:
            add_members(actor_id=ada.user.id, room_id=room, users=[str(key) for key in crowd(people)])
        for limit in (1, 200):
            assert count(statements, see(ada, f"rooms/{room}/members/?limit={limit}")) == 3
    assert count(statements, see(ada, f"rooms/{room}/members/{ada.id}/")) == 3


def test_adding_people(statements, ada, rooms):
    one, many, back = rooms(3)
    people = [str(key) for key in crowd(100)]

    def add(room: str, users: list[str]):
        return lambda: add_members(actor_id=ada.user.id, room_id=room, users=users)

    assert count(statements, add(one, people[:1])) == 7
    assert count(statements, add(many, people)) == 7 + SPLIT
    for person in people[:2]:
        add(back, [person])()
        ada.delete(f"rooms/{back}/members/{person}/")
    assert count(statements, add(back, people[:2])) == 7
    assert count(statements, add(many, people)) == 4


def test_creating_a_room(statements, ada):
    people = [str(key) for key in crowd(100)]
    body = {"kind": "public", "name": "x"}
    assert count(statements, lambda: ada.post("rooms/", body)) == 7
    assert count(statements, lambda: ada.post("rooms/", body | {"members": people})) == 7 + SPLIT


def test_roles_and_bans(statements, ada, rooms):
    """Who calls; lock, the two members (one of them with who they are), the rest of the ban; log, heads."""
    (room,) = rooms(1)
    people = [str(key) for key in crowd(90)]
    add_members(actor_id=ada.user.id, room_id=room, users=people[:50])
    for number, person in enumerate(people):
        path = f"rooms/{room}/bans/{person}/"
        if number < 5:
            member = f"rooms/{room}/members/{person}/"
            assert count(statements, lambda: ada.call("PATCH", member, {"role": "admin"})) == 7  # noqa: B023
            assert count(statements, lambda: ada.call("PUT", path, {})) == 11  # noqa: B023
        else:
            ada.call("PUT", path, {})
        if number in (4, 89):
            for limit in (1, 200):
                assert count(statements, see(ada, f"rooms/{room}/bans/?limit={limit}")) == 3


def direct_rooms(ada, number):
    """Direct rooms of ada's, with as many people."""
    return [open_direct_room(user_id=ada.user.id, other_id=str(key)).room for key in crowd(number)]


def test_my_rooms_with_direct_ones(statements, ada):
    """… and who is in the direct ones."""
    direct_rooms(ada, 1)
    assert count(statements, see(ada, "rooms/?limit=200")) == 3
    direct_rooms(ada, 60)
    for path in ("rooms/?limit=200", "rooms/?kind=direct"):
        assert count(statements, see(ada, path)) == 3


def test_my_rooms_with_hidden_ones(statements, ada):
    rooms = direct_rooms(ada, 40)
    Membership.objects.filter(user=ada.user, room__in=rooms[::2]).update(hidden_seq=3)
    for room in rooms[:10]:
        fill(str(room.id), ada, count=1)
    assert count(statements, see(ada, "rooms/?limit=200")) == 4
    assert len(ada.see("rooms/?limit=200")["results"]) == 25


def test_my_settings(statements, ada, bob, rooms):
    (room,) = rooms(1)
    path = f"rooms/{room}/me/"
    for messages in (0, 500):
        fill(room, bob, count=messages)
        body = {"favourite": messages == 0, "notifications": "none"}
        assert count(statements, lambda: ada.call("PATCH", path, body)) == 5  # noqa: B023


def test_public_rooms(statements, ada, bob):
    """Who calls, the rooms, those of them that are mine, their newest messages; for a search, how far it looks."""

    def make(number):
        for n in range(number):
            made = create_room(creator_id=bob.user.id, kind="public", name=f"{n}", members=[ada.id][: n % 2])
            fill(str(made.room.id), bob, count=2)

    make(2)
    for _ in range(2):
        for query, expected in (("limit=200", 4), ("limit=200&search=1", 5), ("limit=1", 4)):
            assert count(statements, see(ada, f"rooms/public/?{query}")) <= expected
        make(60)


def test_a_direct_room(statements, ada, bob):
    """Made: found none, who, blocks; room, log, head, memberships; who, for the answer. Found: the half of it."""
    current_epoch()
    path = f"rooms/direct/{bob.id}/"
    assert count(statements, lambda: ada.call("PUT", path)) == 11
    assert count(statements, lambda: ada.call("PUT", path)) == 5
    room = ada.call("PUT", path).body["id"]
    assert count(statements, see(ada, f"rooms/{room}/")) == 4
    assert count(statements, see(ada, f"rooms/{room}/events/?since=0")) == 6


def test_changing_and_deleting_a_room(statements, ada, rooms):
    one, many = rooms(2)
    add_members(actor_id=ada.user.id, room_id=many, users=[str(key) for key in crowd(100)])
    for number, room in enumerate((one, many)):
        body = {"name": f"new {number}", "slow_mode_s": 5}
        assert count(statements, lambda: ada.call("PATCH", f"rooms/{room}/", body)) == 7  # noqa: B023
        assert count(statements, lambda: ada.delete(f"rooms/{room}/")) == 7  # noqa: B023


def test_a_page_of_events(statements, ada, bob, rooms):
    """Who calls, my place in the room with the epoch, the log; then messages, members and the room."""
    (room,) = rooms(1)
    add_members(actor_id=ada.user.id, room_id=room, users=[str(key) for key in crowd(90)])
    for messages in (10, 490):
        fill(room, ada, bob, count=messages)
        for limit in (120, 200):
            assert count(statements, see(bob, f"rooms/{room}/events/?since=0&limit={limit}")) == 6
    assert count(statements, see(bob, f"rooms/{room}/events/?since=300&limit=200")) == 4


def test_reading(statements, ada, bob, rooms):
    (room,) = rooms(1)
    for messages in (0, 500):
        fill(room, ada, count=messages)
        assert count(statements, lambda: bob.read(room, 5)) == 4


@pytest.mark.parametrize("number", [1, 100])
def test_subscribing(statements, ada, bob, rooms, number):
    made = [uuid.UUID(room) for room in rooms(number)]
    for messages in (0, 50):
        fill(str(made[0]), ada, count=messages)
        found = []
        assert count(statements, lambda: found.append(places(user_id=bob.user.id, room_ids=made))) == 1  # noqa: B023
        assert len(found[0]) == number
