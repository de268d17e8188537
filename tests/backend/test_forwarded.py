"""`X-Forwarded-For` is believed of configured proxies alone: whoever else sends it pays for themselves."""

import httpx
import pytest
from structlog.testing import capture_logs

from tests.gateway.wire import Wire

ME, PROXY = "127.0.0.5", "127.0.0.2"


@pytest.fixture
def proxies(settings, narrow):
    settings.FORWARDED_ALLOW_IPS = "127.0.0.2, 10.0.0.0/8"
    narrow(REQUESTS_BURST=3, REQUESTS_PER_S=1, UNKNOWN_SOCKETS_PER_ADDRESS=3)


@pytest.fixture
def no_proxies(narrow):
    narrow(REQUESTS_BURST=3, REQUESTS_PER_S=1, UNKNOWN_SOCKETS_PER_ADDRESS=3)


def ask(server, peer, *headers):
    """The status for a caller from `peer` with these X-Forwarded-For headers."""
    with httpx.Client(transport=httpx.HTTPTransport(local_address=peer), trust_env=False) as client:
        sent = [("X-Forwarded-For", text) for text in headers]
        return client.get(f"{server.http}/api/v1/nothing/", headers=sent).status_code


SPOOFS = ["203.0.113.1", "203.0.113.2", "10.0.0.1", "127.0.0.2", "", "203.0.113.3, 203.0.113.4"]


def test_nobodys_word_is_taken_without_proxies(turned, no_proxies, server):
    assert [ask(server, ME, spoof) for spoof in SPOOFS] == [404] * 3 + [429] * 3
    assert ask(server, "127.0.0.6") == 404


def test_another_callers_word_is_not_taken_beside_proxies(turned, proxies, server):
    assert [ask(server, ME, spoof) for spoof in SPOOFS] == [404] * 3 + [429] * 3
    assert ask(server, PROXY, ME) == 429
    assert ask(server, PROXY, "203.0.113.1") == 404


def test_a_proxys_word_is_the_last_that_is_no_proxys(turned, proxies, server):
    """What the client wrote itself stands before it."""
    client = "198.51.100.7"
    heard = [
        (client,),
        (f"203.0.113.1, {client}",),
        ("203.0.113.2", client),
        (f"203.0.113.3, {client}, 10.1.2.3",),
        (f"10.9.9.9, {client}:4711",),
    ]
    assert [ask(server, PROXY, *headers) for headers in heard] == [404] * 3 + [429] * 2
    assert ask(server, PROXY, "198.51.100.8") == 404


def test_a_proxy_that_is_not_configured_is_spoken_of_once(client, db):
    with capture_logs() as lines:
        for _ in range(3):
            client.get("/api/v1/nothing/", secure=True)
        for _ in range(3):
            client.get("/api/v1/nothing/", secure=True, headers={"X-Forwarded-For": "203.0.113.1"})
    (line,) = [line for line in lines if line["log_level"] == "warning"]
    assert "Behind a proxy set FORWARDED_ALLOW_IPS" in line["event"]
    assert line["peer"] == "127.0.0.1"


def test_with_proxies_configured_nothing_is_said(settings, client, db):
    settings.FORWARDED_ALLOW_IPS = "10.0.0.1"
    with capture_logs() as lines:
        client.get("/api/v1/nothing/", secure=True, headers={"X-Forwarded-For": "203.0.113.1"})
    assert [line["log_level"] for line in lines] == ["info"]


async def test_a_socket_is_of_the_address_that_the_proxy_names(proxies, server):
    async def open_from(peer, forwarded):
        return await Wire.open(server.ws, headers={"X-Forwarded-For": forwarded}, address=peer)

    opened = [await open_from(ME, spoof) for spoof in SPOOFS[:4]]
    assert (await opened[-1].ends())[1] == 4408
    opened += [await open_from(PROXY, f"203.0.113.{n}, 198.51.100.7") for n in range(4)]
    assert (await opened[-1].ends())[1] == 4408
    for wire in opened:
        await wire.connection.close()
