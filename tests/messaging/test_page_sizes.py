"""Pages are bounded in bytes too: one ends early where its texts are long, and the next goes on from there."""

from uuid import UUID

import pytest

from messaging.events import read_events
from tests.api import path_of
from tests.filling import draft, fill, send_messages

COUNT = 12
TEXT = "🙂" * 1_000  # 4 kB


@pytest.fixture(autouse=True)
def limit(settings):
    """Two messages a page, or three."""
    settings.PAGE_MAX_BYTES = 12_000


@pytest.fixture
def room(ada, bob):
    """A room with the messages 4 … 15."""
    made = ada.room(bob)
    send_messages([draft(ada, made, TEXT) for _ in range(COUNT)])
    return made


def seqs(page):
    return [item["seq"] for item in page["results"]]


@pytest.mark.parametrize(
    ("start", "on", "more"),
    [("", "before", "has_before"), ("after=0", "after", "has_after")],
)
def test_history_goes_on_where_a_page_ended_early(ada, room, start, on, more):
    found, query = [], start
    while True:
        page = ada.see(f"rooms/{room}/messages/?limit=200&{query}")
        assert 1 <= len(page["results"]) <= 3
        found = seqs(page) + found if on == "before" else found + seqs(page)
        if not page[more]:
            break
        query = f"{on}={seqs(page)[0 if on == 'before' else -1]}"
    assert found == list(range(4, 4 + COUNT))


@pytest.mark.parametrize("around", [0, 4, 9, 15, 99])
def test_around_a_number_both_sides_say_whether_there_is_more(ada, room, around):
    page = ada.see(f"rooms/{room}/messages/?limit=200&around={around}")
    found = seqs(page)
    assert 1 <= len(found) <= 4
    assert found == list(range(found[0], found[-1] + 1))
    assert around in found or around in (0, 99)
    assert (page["has_before"], page["has_after"]) == (found[0] > 4, found[-1] < 15)


@pytest.mark.parametrize("query", ["", "after=0", "before=99", "around=9"])
def test_one_message_comes_however_long_it_is(settings, ada, room, query):
    settings.PAGE_MAX_BYTES = 100
    page = ada.see(f"rooms/{room}/messages/?{query}")
    assert 1 <= len(page["results"]) <= 2
    assert page["has_before"] or page["has_after"]


def test_metadata_counts(ada, bob):
    room = ada.room(bob)
    send_messages([draft(ada, room, metadata={"x": "x" * 3_900}) for _ in range(COUNT)])
    assert len(ada.see(f"rooms/{room}/messages/?limit=200")["results"]) <= 3


def test_short_texts_are_whole_pages(ada, bob, settings):
    settings.PAGE_MAX_BYTES = 1024 * 1024
    room = ada.room(bob)
    fill(room, ada, count=300)
    assert len(ada.see(f"rooms/{room}/messages/?limit=200")["results"]) == 200


def test_the_log_goes_on_where_a_page_ended_early(ada, room):
    first = ada.see(f"rooms/{room}/events/?since=3&limit=200")
    assert 1 <= len(first["results"]) <= 3
    assert [event["seq"] for event in ada.events(room)] == list(range(1, 4 + COUNT))


def test_what_is_read_of_the_log_for_a_socket_takes_as_much_memory(ada, room):
    for text_bytes in (4_000, 12_000, 100_000):
        found = read_events(UUID(room), 3, 100, text_bytes)
        assert [event.seq for event in found] == list(range(4, 4 + len(found)))
        assert len(found) == COUNT or len(found) * 4_000 <= max(text_bytes, 4_000)


def test_what_a_message_said_goes_on_where_a_page_ended_early(ada, room):
    message = ada.send(room, TEXT)
    said = [TEXT] + [f"{number}{TEXT}" for number in range(7)]
    for text in said[1:]:
        ada.edit(message, text)
    pages = ada.pages(f"{path_of(message)}history/")
    assert max(map(len, pages)) <= 3
    assert [version["body"] for page in pages for version in page] == said


@pytest.mark.parametrize("path", ["rooms/?", "rooms/public/?search=", "rooms/public/?search=hall"])
def test_lists_of_rooms_go_on_where_a_page_ended_early(ada, path):
    rooms = [ada.room(kind="public", name=f"hall {number}") for number in range(8)]
    for room in rooms:
        ada.send(room, TEXT)
    pages = ada.pages(path)
    assert max(map(len, pages)) <= 3
    assert [room["id"] for page in pages for room in page] == rooms[::-1]
