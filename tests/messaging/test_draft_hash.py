"""What tells a repetition from other content for ever, and tells nobody else anything."""

import pytest

from messaging.models import Message

BARE = "024650ad788f9b375fc97d1d950c1ba644a4c79445e60a99578d4c1c4e22abfe"
"""What a message that says "Hello" was stored with before there was a key: SHA-256 of `["Hello"]`."""


@pytest.fixture
def room(ada, bob):
    return ada.room(bob)


def again(person, room, body="Hello", **more):
    answer = person.post(f"rooms/{room}/messages/", {"client_id": "a", "body": body, **more})
    return answer.code or answer.status


def test_the_same_text_is_stored_with_another_one_each_time(ada, bob, room):
    other = ada.room(bob)
    for person, place, client_id in ((ada, room, "a"), (ada, room, "b"), (bob, room, "a"), (ada, other, "a")):
        person.send(place, "Hello", client_id)
    stored = set(Message.objects.values_list("draft_hash", flat=True))
    assert len(stored) == 4
    assert BARE not in stored


def test_it_depends_on_the_servers_secret(ada, room, settings):
    ada.send(room, "Hello", "a")
    first = Message.objects.get().draft_hash
    Message.objects.all().delete()
    settings.SECRET_KEY = "another secret of fifty characters and a few more."
    ada.send(room, "Hello", "a")
    assert Message.objects.get().draft_hash != first


def test_the_same_is_what_it_always_was(ada, room):
    """Rows exist: were it made in another way, repetitions would be conflicts."""
    Message.objects.filter(id=ada.send(room, "Hello", "a")["id"]).update(draft_hash=BARE)
    assert [again(ada, room), again(ada, room, "hello")] == [200, "client_id_conflict"]
    assert again(ada, room, metadata={"a": 1}) == "client_id_conflict"


@pytest.mark.parametrize("deleted", [False, True])
def test_after_a_change_of_the_secret_a_repetition_is_still_one(ada, room, settings, deleted):
    message = ada.send(room, "Hello", "a", metadata={"a": 1})
    if deleted:
        ada.erase(message)
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another secret of fifty characters and a few more."
    settings.SECRET_KEY_FALLBACKS = ["one that was never used", old]
    assert again(ada, room, metadata={"a": 1}) == 200
    assert again(ada, room, "hello", metadata={"a": 1}) == "client_id_conflict"
