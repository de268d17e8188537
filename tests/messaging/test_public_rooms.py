"""Discovering public rooms."""

import pytest

from common.ids import new_id
from rooms.models import Room
from rooms.services import create_room
from tests.bots import make_bot
from tests.filling import fill


def found(person, search="", limit=200):
    """The names of what is found, page by page."""
    return [room["name"] for room in person.all(f"rooms/public/?search={search}", limit=limit)]


def test_public_rooms_alone_are_listed_the_newest_first(ada, bob):
    ada.room(name="private")
    ada.direct(bob)
    one, two = (ada.room(kind="public", name=name) for name in ("one", "two"))
    ada.delete(f"rooms/{ada.room(kind='public', name='gone')}/")
    assert found(bob) == found(ada) == ["two", "one"]
    assert [room["id"] for room in bob.see("rooms/public/")["results"]] == [two, one]


def test_a_room_is_shown_as_it_is_to_its_members_and_to_others_without_what_is_said_in_it(ada, bob, eve):
    room = ada.room(bob, kind="public", topic="Cogs")
    fill(room, ada, count=3)
    hers = ada.see(f"rooms/{room}/")
    for person in (ada, bob):
        assert person.see("rooms/public/")["results"] == person.see("rooms/")["results"]
    [listed] = eve.see("rooms/public/")["results"]
    assert listed == hers | {"me": None, "last_message": None}


def test_the_banned_see_it_too(ada, bob):
    room = ada.room(kind="public", name="engine")
    ada.ban(room, bob)
    assert found(bob) == ["engine"]


@pytest.mark.parametrize(
    ("search", "names"),
    [
        ("ENGINE", {"Engine room"}),
        ("gine", {"Engine room"}),
        ("steam", {"Engine room", "Steam"}),
        ("room%20steam", {"Engine room"}),
        ("STEAM%20engine%20steam", {"Engine room"}),
        ("strasse", {"Große Straße"}),
        ("STRASSE", {"Große Straße"}),
        ("große", {"Große Straße"}),
        ("ΣΊΣΥΦΟΣ", {"Σίσυφος"}),
        ("café", {"Cafe\u0301 2"}),
        ("%EF%BC%92", {"Cafe\u0301 2"}),  # a full-width 2
        ("100%25", {"100%_\\"}),
        ("%25", {"100%_\\"}),
        ("_", {"100%_\\"}),
        ("%5C", {"100%_\\"}),
        ("%27", set()),
        ("nothing", set()),
        ("*", set()),
    ],
)
def test_what_is_searched_for_is_in_name_or_topic_whatever_its_case(ada, bob, search, names):
    for name, topic in (
        ("Engine room", "Cogs and STEAM"), ("Steam", ""), ("Große Straße", ""), ("Σίσυφος", ""), ("Café 2", ""),
        ("100%_\\", ""),
    ):  # fmt: skip
        create_room(creator_id=ada.user.id, kind="public", name=name, topic=topic)
    create_room(creator_id=ada.user.id, kind="private", name="Engine steam", topic="nothing 100% _ straße")
    expected = {name.replace("Cafe\u0301", "Café") for name in names}
    assert set(found(bob, search)) == expected


def test_what_was_changed_is_found_as_it_is_now(ada):
    room = ada.room(kind="public", name="Engine", topic="Cogs")
    ada.change(room, name="Boiler")
    assert (found(ada, "engine"), found(ada, "boiler%20cogs")) == ([], ["Boiler"])
    ada.change(room, topic="Steam")
    assert (found(ada, "cogs"), found(ada, "boiler%20steam")) == ([], ["Boiler"])


@pytest.mark.parametrize("search", ["", "%20", "%20%20%09"])
def test_a_blank_search_finds_all(ada, search):
    ada.room(kind="public", name="one")
    assert found(ada, search) == ["one"]


@pytest.mark.parametrize("search", ["x" * 101, "%00", "a%00b"])
def test_a_search_that_is_none_is_invalid(ada, search):
    answer = ada.get(f"rooms/public/?search={search}")
    assert (answer.status, answer.code, answer.attrs) == (400, "invalid", {"search"})


@pytest.mark.parametrize("search", ["", "room", "even"])
@pytest.mark.parametrize("limit", [1, 7, 50])
def test_the_pages_hold_each_room_once_while_others_are_made(ada, settings, search, limit):
    settings.ROOM_SEARCH_MAX_ROWS = 10  # so that some pages of a search end before they are full
    names = [f"room {n} {'even' if n % 3 == 0 else 'odd'}" for n in range(30)]
    for name in names:
        create_room(creator_id=ada.user.id, kind="public", name=name)
    pages, cursor = [], ""
    while True:
        page = ada.see(f"rooms/public/?search={search}&limit={limit}{cursor}")
        pages.append([room["name"] for room in page["results"]])
        assert len(pages[-1]) <= limit
        if len(pages) == 1:
            create_room(creator_id=ada.user.id, kind="public", name="room even late")
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert [name for page in pages for name in page] == [name for name in reversed(names) if search in name]


def test_a_word_that_nobody_uses_is_looked_for_in_so_many_rooms_a_page(ada, settings):
    settings.ROOM_SEARCH_MAX_ROWS = 5
    Room.objects.bulk_create(
        Room(kind="public", name=f"{n}", search_key=f"{n}", created_by=ada.user) for n in range(20)
    )
    pages = ada.pages("rooms/public/?search=x", limit=50)
    assert pages == [[]] * 5


@pytest.mark.parametrize("cursor", ["x", "%00", "bnVsbA", "WzEsMl0", "MQ"])
def test_a_cursor_that_is_none_is_invalid(ada, cursor):
    answer = ada.get(f"rooms/public/?cursor={cursor}")
    assert (answer.status, answer.code, answer.attrs) == (400, "invalid", {"cursor"})


def test_it_is_not_a_room_called_public(ada):
    assert ada.call("PATCH", "rooms/public/", {}).status == 405
    assert ada.get(f"rooms/{new_id()}/").code == "not_found"


def test_who_may_not_read_messages_is_shown_none(ada):
    bot = make_bot(ada, scopes=["rooms:read", "rooms:write"])
    room = ada.room(kind="public")
    bot.join(room)
    ada.send(room)
    for path in ("rooms/", "rooms/public/"):
        [listed] = bot.see(path)["results"]
        assert (listed["last_message"], listed["me"]["unread_count"]) == (None, 1)


def test_a_topic_costs_a_search_no_more_than_it_is_long(ada):
    """Folded, one character of it can be eighteen."""
    room = ada.room(kind="public", topic="\ufdfa" * 500)
    assert len(Room.objects.get().search_key) == 601
    ada.change(room, name="Boiler")
    assert len(Room.objects.get().search_key) == 601
    assert found(ada, "boiler%20%EF%B7%BA") == ["Boiler"]


def test_so_many_words_are_searched_for_at_once(ada):
    ada.room(kind="public", name="a b c d e f g h i j")
    assert found(ada, "a%20b%20c%20d%20e%20f%20g%20h%20i%20j%20J%20A") == ["a b c d e f g h i j"]
    answer = ada.get("rooms/public/?search=a%20b%20c%20d%20e%20f%20g%20h%20i%20j%20k")
    assert (answer.status, answer.code, answer.attrs) == (400, "invalid", {"search"})
