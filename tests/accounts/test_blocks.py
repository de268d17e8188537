"""Whom one blocks: listed, begun and ended; and those concerned are told to look again."""

import pytest
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from accounts.models import Block, User
from accounts.selectors import blocks_among
from common.ids import new_id
from realtime import groups
from tests.api import register
from tests.bots import make_bot


@pytest.fixture
def told(settings, ada, bob):
    """`told()`: whose sockets were told since it was last asked."""
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    layer = get_channel_layer()
    channel = async_to_sync(layer.new_channel)()
    for person in (ada, bob):
        async_to_sync(layer.group_add)(groups.user(person.user.id), channel)

    def told():
        queue = layer.channels.get(channel)
        messages = [queue.get_nowait()[1] for _ in range(queue.qsize())] if queue else []
        return sorted(m["user"] for m in messages if m["type"] == "user.blocks")

    return told


def put(person, other):
    return person.call("PUT", f"users/me/blocks/{other}/")


def remove(person, other):
    return person.delete(f"users/me/blocks/{other}/")


def test_a_block_is_begun_and_ended_and_repeating_changes_nothing(
    ada, bob, told, django_capture_on_commit_callbacks
):
    both = sorted([ada.user.id.hex, bob.user.id.hex])
    for act, expected in ((put, both), (put, []), (remove, both), (remove, [])):
        with django_capture_on_commit_callbacks(execute=True):
            answer = act(ada, bob.id)
        assert (answer.status, answer.text) == (204, "")
        assert told() == expected
        assert blocks_among([(ada.user.id, bob.user.id)]) == (
            {(ada.user.id, bob.user.id)} if act is put else set()
        )
        assert not Block.objects.filter(blocker=bob.user).exists()


def test_whom_i_block_is_listed_the_latest_first_in_pages(ada, bob, eve):
    people = [bob, eve, *(register(f"user{number}") for number in range(3))]
    for person in people:
        put(ada, person.id)
    put(bob, ada.id)
    pages = ada.pages("users/me/blocks/", limit=2)
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [user["id"] for page in pages for user in page] == [person.id for person in people[::-1]]
    assert set(pages[0][0]) == {"id", "username", "display_name", "avatar", "bio", "is_bot", "deleted"}
    assert [user["id"] for user in bob.all("users/me/blocks/")] == [ada.id]
    assert eve.all("users/me/blocks/") == []


def test_a_list_of_blocks_costs_two_statements(statements, ada):
    for count in (1, 5):
        for number in range(count):
            put(ada, register(f"user{count}{number}").id)
        assert len(statements(lambda: ada.see("users/me/blocks/"))) == 2


@pytest.mark.parametrize("act", [put, remove])
def test_oneself_is_invalid_and_nobody_is_not_found(ada, act):
    answer = act(ada, ada.id)
    assert (answer.status, answer.code, answer.attrs) == (400, "invalid", {"user_id"})
    for unknown in (new_id(), "x", ada.id.upper(), "%00", "me"):
        assert (act(ada, unknown).status, act(ada, unknown).code) == (404, "not_found")


def test_whom_a_person_blocks_is_not_for_api_tokens(ada, bob):
    bot = make_bot(ada)
    for answer in (bot.get("users/me/blocks/"), put(bot, bob.id), remove(bot, bob.id)):
        assert (answer.status, answer.code) == (403, "forbidden")


def test_who_is_deleted_can_be_let_go(ada, bob):
    put(ada, bob.id)
    User.objects.filter(pk=bob.user.pk).update(deleted_at=bob.user.created_at, is_active=False)
    assert [user["deleted"] for user in ada.all("users/me/blocks/")] == [True]
    assert remove(ada, bob.id).status == 204
    assert ada.all("users/me/blocks/") == []
