"""A client's state of rooms, loaded in this process (tests/client/state.py does it over a network)."""

from typing import Any

from tests.api import Person
from tests.client.state import ClientState, RoomState, shared


def loaded(person: Person, *rooms: str, limit: int = 200) -> ClientState:
    """What `person` sees of these rooms now."""
    state = ClientState()
    for room in rooms:
        held = state.rooms[room] = room_alone(person, room)
        held.members = members_of(person, room, limit)
        held.messages = messages_of(person, room, limit)
    return state


def room_alone(person: Person, room: str) -> RoomState:
    """The first thing a client loads of a room: the object, and with it the position."""
    found = shared(person.see(f"rooms/{room}/"))
    return RoomState(found, found["last_seq"])


def members_of(person: Person, room: str, limit: int = 200) -> dict[str, Any]:
    """The members by user id, page by page."""
    pages = person.pages(f"rooms/{room}/members/", limit=limit)
    return {member["user"]["id"]: shared(member) for page in pages for member in page}


def messages_of(person: Person, room: str, limit: int = 200) -> dict[str, Any]:
    """The messages by id, page by page."""
    found: dict[str, Any] = {}
    after, more = 0, True
    while more:
        page = person.see(f"rooms/{room}/messages/?after={after}&limit={limit}")
        found |= {message["id"]: shared(message) for message in page["results"]}
        after = page["results"][-1]["seq"] if page["results"] else after
        more = page["has_after"]
    return found


def catch_up(state: ClientState, person: Person) -> None:
    """Apply to every room of `state` the events it has not had."""
    for room, held in list(state.rooms.items()):
        for event in person.events(room, since=held.position):
            state.apply(event)


def from_nothing(person: Person, room: str) -> ClientState:
    """The state that the log alone makes."""
    state = ClientState()
    for event in person.events(room):
        state.apply(event)
    return state
