"""Rotation of refresh tokens: the grace of 30 s, reuse, parallel calls."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import connection

from accounts import services, tokens
from accounts.models import Session
from common.errors import SessionEnded
from realtime import groups
from tests.api import PASSWORD
from tests.forged_tokens import signed


def refreshed(api, token):
    """The next pair, (access, refresh)."""
    answer = api.post("auth/token/refresh/", {"refresh": token})
    assert answer.status == 200, answer.text
    return answer.body["access"], answer.body["refresh"]


@pytest.fixture
def told(settings, ada):
    """`told()`: the sessions that the bus has told Ada's sockets to be ended, since it was last asked."""
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    layer = get_channel_layer()
    channel = async_to_sync(layer.new_channel)()
    async_to_sync(layer.group_add)(groups.user(ada.user.id), channel)

    def told():
        queue = layer.channels.get(channel)
        messages = [queue.get_nowait()[1] for _ in range(queue.qsize())] if queue else []
        return [
            key for message in messages if message["type"] == "user.ended" for key in message["credentials"]
        ]

    return told


def test_a_refresh_gives_a_new_pair_that_works_and_is_not_to_be_cached(api, turned, ada):
    turned.turn(1)
    answer = api.post("auth/token/refresh/", {"refresh": ada.refresh})
    assert set(answer.body) == {"access", "refresh"}
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.body["access"] != ada.access
    assert answer.body["refresh"] != ada.refresh
    assert api.get("users/me/", answer.body["access"]).status == 200
    assert Session.objects.get(pk=ada.session.pk).last_seen_at == turned.at


def test_the_old_access_token_works_until_it_expires(api, turned, ada):
    refreshed(api, ada.refresh)
    assert api.get("users/me/", ada.access).status == 200


@pytest.mark.parametrize("later_s", [0, 1, 29.9, 30])
def test_a_used_token_answers_with_the_same_pair_within_thirty_seconds(api, turned, ada, later_s):
    first = refreshed(api, ada.refresh)
    turned.turn(later_s)
    assert refreshed(api, ada.refresh) == first


def test_within_the_grace_any_used_token_of_a_chain_gives_the_newest_pair(api, turned, ada):
    chain = [ada.refresh]
    for _ in range(4):
        turned.turn(5)
        newest = refreshed(api, chain[-1])
        chain.append(newest[1])
    for used in chain[:-1]:
        assert refreshed(api, used) == newest
    assert refreshed(api, chain[-1]) != newest


def test_the_grace_counts_from_the_first_use_and_is_not_renewed(api, turned, ada):
    refreshed(api, ada.refresh)
    turned.turn(20)
    refreshed(api, ada.refresh)
    turned.turn(11)
    assert api.post("auth/token/refresh/", {"refresh": ada.refresh}).code == "session_ended"


@pytest.mark.parametrize("later_s", [30.1, 31, 3_600, 20 * 86_400])
def test_a_used_token_after_the_grace_ends_the_session(
    api, turned, ada, told, later_s, django_capture_on_commit_callbacks
):
    _, newest = refreshed(api, ada.refresh)
    turned.turn(later_s)
    with django_capture_on_commit_callbacks(execute=True):
        answer = api.post("auth/token/refresh/", {"refresh": ada.refresh})
    assert (answer.status, answer.code) == (401, "session_ended")
    assert Session.objects.get(pk=ada.session.pk).ended_at == turned.at
    assert api.post("auth/token/refresh/", {"refresh": newest}).code == "session_ended"
    assert told() == [ada.session.id.hex]


def test_reuse_in_the_middle_of_a_chain_ends_the_session_for_its_access_tokens_too(api, turned, ada):
    chain = [(ada.access, ada.refresh)]
    for _ in range(3):
        turned.turn(31)
        chain.append(refreshed(api, chain[-1][1]))
    assert api.post("auth/token/refresh/", {"refresh": chain[1][1]}).code == "session_ended"
    for access, refresh in chain:
        assert api.get("users/me/", access).code == "session_ended"
        assert api.post("auth/token/refresh/", {"refresh": refresh}).code == "session_ended"


def test_a_refresh_token_of_the_session_that_nobody_remembers_ends_it(api, ada):
    stray = signed(ada.session, ada.user, token_type="refresh")
    assert api.post("auth/token/refresh/", {"refresh": stray}).code == "session_ended"
    assert api.get("users/me/", ada.access).code == "session_ended"


def test_another_session_of_the_same_user_is_not_touched_by_reuse(api, turned, ada):
    other = services.log_in(username="ada", password=PASSWORD)
    refreshed(api, ada.refresh)
    turned.turn(31)
    assert api.post("auth/token/refresh/", {"refresh": ada.refresh}).code == "session_ended"
    assert api.get("users/me/", other.access).status == 200


def test_only_tokens_used_in_the_grace_are_remembered(api, turned, ada):
    token = ada.refresh
    for _ in range(10):
        turned.turn(14)
        _, token = refreshed(api, token)
    assert len(Session.objects.get(pk=ada.session.pk).used_refresh) == 3


def test_a_refused_token_changes_no_row(api, turned, ada):
    before = Session.objects.filter(pk=ada.session.pk).values().get()
    turned.turn(31 * 86_400)
    assert api.post("auth/token/refresh/", {"refresh": ada.refresh}).code == "token_expired"
    assert Session.objects.filter(pk=ada.session.pk).values().get() == before


def test_log_out_tells_the_sockets_once(ada, told, django_capture_on_commit_callbacks):
    for _ in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            services.log_out(session_id=ada.session.id)
    assert told() == [ada.session.id.hex]


def test_a_refresh_costs_one_read_and_one_write(api, ada, statements):
    assert [sql.split(" ", 1)[0] for sql in statements(lambda: refreshed(api, ada.refresh))] == [
        "SELECT",
        "UPDATE",
    ]


def in_threads(count, work):
    """What `work` returned or raised in each of `count` threads that start together."""
    barrier = Barrier(count)

    def run(_):
        try:
            connection.ensure_connection()
            barrier.wait(10)
            return work()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@pytest.mark.django_db(transaction=True)
def test_parallel_refreshes_of_one_token_give_the_same_pair(ada):
    token = ada.refresh
    for round_ in range(1, 11):
        pairs = in_threads(8, lambda token=token: services.refresh(token=token))
        row = Session.objects.get(pk=ada.session.pk)
        assert set(pairs) == {tokens.pair_of(row)}
        assert len(row.used_refresh) == round_
        token = tokens.pair_of(row).refresh


@pytest.mark.django_db(transaction=True)
def test_parallel_reuse_ends_the_session_for_good_although_each_call_raises(ada, turned, told):
    services.refresh(token=ada.refresh)
    turned.turn(31)
    outcomes = in_threads(8, lambda: services.refresh(token=ada.refresh))
    assert {type(outcome) for outcome in outcomes} == {SessionEnded}
    assert Session.objects.get(pk=ada.session.pk).ended_at == turned.at
    assert told() == [ada.session.id.hex]
