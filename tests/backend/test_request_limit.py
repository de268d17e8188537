"""REST requests: a person's bucket, an address's for who is nobody, and the headers that tell of them."""

import math

import pytest
from django.test import AsyncClient

from backend import limits as request_limit
from common.limits import REQUESTS
from tests.api import PASSWORD, register
from tests.bots import another_token, make_bot

pytestmark = pytest.mark.django_db

HEADERS = ("RateLimit", "RateLimit-Policy", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")


@pytest.fixture
def five(narrow, turned, ada):
    """Five requests at once, then two a second."""
    narrow(REQUESTS_BURST=5, REQUESTS_PER_S=2)


def statuses(ask, number):
    return [ask().status for _ in range(number)]


def test_a_person_may_ask_as_often_as_a_burst_and_then_at_the_rate(five, turned, ada):
    assert statuses(lambda: ada.get("users/me/"), 8) == [200] * 5 + [429] * 3
    turned.turn(1)
    assert statuses(lambda: ada.get("users/me/"), 4) == [200] * 2 + [429] * 2


def test_the_refusal_is_a_problem_with_retry_after_and_costs_no_query(five, ada, statements):
    statuses(lambda: ada.get("users/me/"), 5)
    found = []
    assert statements(lambda: found.append(ada.get("users/me/"))) == []
    (answer,) = found
    assert (answer.status, answer.code) == (429, "rate_limited")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.body["retry_after"] == 0.5
    assert answer.headers["Retry-After"] == "1"
    assert answer.headers["X-Request-ID"] == answer.body["request_id"]


def test_a_request_passes_when_the_time_of_retry_after_is_over_and_not_before(five, turned, ada):
    for _ in range(20):
        answer = ada.get("users/me/")
        if answer.status == 429:
            turned.turn(answer.body["retry_after"] - 0.01)
            assert ada.get("users/me/").status == 429
            turned.turn(0.01)
            assert ada.get("users/me/").status == 200
    statuses(lambda: ada.get("users/me/"), 10)
    turned.turn(float(ada.get("users/me/").headers["Retry-After"]))
    assert ada.get("users/me/").status == 200


def test_every_answer_tells_how_many_more(five, turned, api, ada):
    for remaining, ask in (
        (4, lambda: ada.get("users/me/")),
        (3, lambda: ada.get("rooms/nowhere/")),
        (2, lambda: ada.post("rooms/", b"{")),
        (1, lambda: ada.call("DELETE", "users/me/nothing/")),
    ):
        headers = ask().headers
        reset_s = math.ceil((5 - remaining) / 2)
        assert headers["RateLimit-Policy"] == '"requests";q=5;w=3'
        assert headers["RateLimit"] == f'"requests";r={remaining};t={reset_s}'
        assert [headers[name] for name in HEADERS[2:]] == ["5", str(remaining), str(reset_s)]
    statuses(lambda: ada.get("users/me/"), 1)
    headers = ada.get("users/me/").headers
    assert (headers["RateLimit"], headers["RateLimit-Remaining"]) == ('"requests";r=0;t=3', "0")
    assert api.get("users/me/").headers["RateLimit"] == '"requests";r=4;t=1'


def test_a_page_of_another_origin_may_read_them(settings, five, ada):
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example.com"]
    statuses(lambda: ada.get("users/me/"), 5)
    answer = ada.call("GET", "users/me/", Origin="https://app.example.com")
    assert answer.status == 429
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example.com"
    exposed = answer.headers["Access-Control-Expose-Headers"]
    assert all(name in exposed for name in ("Retry-After", *HEADERS))


def test_all_of_a_persons_tokens_and_devices_are_one_and_others_are_not_touched(five, api, ada):
    tablet = api.post("auth/token/", {"username": "ada", "password": PASSWORD}).body
    bob = register("bob")
    tokens = [ada.access, tablet["access"]]
    assert [api.get("users/me/", tokens[n % 2]).status for n in range(7)] == [200] * 5 + [429] * 2
    assert bob.get("users/me/").status == 200


def test_bots_and_their_owner_are_one_person_once_each_token_has_been_seen(five, ada, api):
    """Only the database knows whose they are: the first request of each counts on its address."""
    bot, other = make_bot(ada), make_bot(ada, "other")
    tokens = [bot.access, another_token(bot, "rooms:read").access, other.access]
    assert [api.get("users/me/", token).headers["RateLimit-Remaining"] for token in tokens] == ["4", "3", "2"]
    tokens.append(ada.access)
    assert [api.get("users/me/", tokens[n % 4]).status for n in range(9)] == [200] * 5 + [429] * 4
    assert api.get("nothing/").headers["RateLimit-Remaining"] == "1"


def test_who_is_nobody_is_counted_by_address(five, api, ada):
    asks = [
        lambda: api.get("users/me/"),
        lambda: api.get("users/me/", "nonsense"),
        lambda: api.get("rooms/", ada.access[:-2] + "xx"),
        lambda: api.post("auth/token/refresh/", {"refresh": "x"}),
        lambda: api.get("nothing/here/"),
    ]
    assert 429 not in [ask().status for ask in asks]
    assert {ask().status for ask in asks} == {429}
    assert ada.get("users/me/").status == 200  # from the same address


def test_what_is_below_auth_counts_on_the_address_besides(five, api, turned, ada):
    """Else whoever has many accounts logs in as often with each one's token, from one place."""
    body = {"username": "ada", "password": PASSWORD}
    bob = register("bob")
    assert [each.post("auth/token/", body).status for each in (ada, bob, ada, bob, ada)] == [200] * 5
    assert [each.post("auth/token/", body).status for each in (ada, bob)] == [429] * 2
    assert [ada.get("users/me/").status for _ in range(3)] == [200, 200, 429]
    assert bob.get("users/me/").status == 200


def test_a_token_that_is_refused_is_its_addresss_to_pay_for(five, api, turned, ada):
    """Who has stolen it cannot stop the person it was taken from."""
    assert ada.post("auth/logout/").status == 204
    again = api.post("auth/token/", {"username": "ada", "password": PASSWORD}).body
    turned.turn(60)
    assert ada.get("users/me/").code == "session_ended"
    assert statuses(lambda: ada.get("users/me/"), 7) == [401] * 5 + [429] * 2
    assert api.get("users/me/", again["access"]).headers["RateLimit-Remaining"] == "3"


def test_it_is_remembered_of_a_bounded_number_of_tokens_who_pays(monkeypatch):
    monkeypatch.setattr(request_limit, "_TOKENS_MAX", 10)
    payers = request_limit._Payers()
    for number in range(100):
        payers.put(str(number).encode(), None)
        payers.put(b"often", None)
    assert len(payers._known) == 10
    assert b"99" in payers
    assert b"often" in payers


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/", "/nowhere"])
def test_only_calls_of_the_api_are_limited(five, client, path):
    answers = [client.get(path, secure=True) for _ in range(7)]
    assert 429 not in {answer.status_code for answer in answers}
    assert not any(name in answer.headers for answer in answers for name in HEADERS)


@pytest.mark.django_db(transaction=True)
async def test_the_asynchronous_path_is_limited_too(narrow, turned):
    narrow(REQUESTS_BURST=2, REQUESTS_PER_S=1)
    answers = [await AsyncClient().get("/api/v1/nothing/", secure=True) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [404, 404, 429]
    assert answers[0]["RateLimit"] == '"requests";r=1;t=1'


def test_an_ipv6_network_is_one_address(five, client):
    def ask(address):
        return client.get("/api/v1/nothing/", secure=True, REMOTE_ADDR=address).status_code

    assert [ask(f"2001:db8:1:2:{n}::1") for n in range(7)] == [404] * 5 + [429] * 2
    assert ask("2001:db8:1:3::1") == 404
    assert [ask("::ffff:192.0.2.1"), ask("192.0.2.1")] == [404, 404]
    assert REQUESTS.look("192.0.2.1").remaining == 3
