"""Clients of the whole installation, through nginx: two workers, no sticky sessions, and what nginx answers itself."""

import asyncio
import contextlib
import json
import signal
import socket
import time

import httpx
import pytest

from common import errors
from tests.client.rest import Rest
from tests.client.socket import Socket
from tests.deploy.installation import ADDRESSES, HOST, STRANGER, Installation
from tests.faults.people import PASSWORD, People
from tests.faults.story import Story
from tests.gateway.waiting import until

pytestmark = pytest.mark.nginx

TLS = {"X-Forwarded-Proto": "https"}


def ask(installation: Installation, path: str, *, come_from: str | None = None, **how) -> httpx.Response:
    """One request over the proxy; `come_from` is the local address."""
    with httpx.Client(transport=httpx.HTTPTransport(local_address=come_from), timeout=10) as client:
        return client.request(how.pop("method", "GET"), f"{installation.url}{path}", **how)


def raw(installation: Installation, sent: bytes, timeout_s: float) -> tuple[bytes, float]:
    """What comes back for these bytes until the line is closed, and after how many seconds that was."""
    with socket.create_connection(("127.0.0.1", installation.port), timeout=timeout_s) as line:
        started, got = time.monotonic(), b""
        with contextlib.suppress(ConnectionResetError):
            line.sendall(sent)
            while piece := line.recv(65536):
                got += piece
        return got, time.monotonic() - started


def problem_of(response: httpx.Response, error: type[errors.ParleyError]) -> None:
    """It says what Parley itself would say."""
    assert response.headers["content-type"] == "application/problem+json"
    said = response.json()
    assert said.pop("request_id") == response.headers["x-request-id"]
    said.pop("retry_after", None)
    assert said == {
        "type": f"urn:parley:problem:{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.title,
        "code": error.code,
    }
    assert response.status_code == error.status


async def test_a_story_goes_on_when_a_worker_is_killed(installation: Installation, people: People) -> None:
    before = len(installation.access_log())
    async with Story(installation, people) as story:
        await story.open(senders=4, subscribers=8)
        traffic = story.traffic(40).start(240)
        await traffic.reached(80)
        reconnects, worker = story.reconnects, installation.workers[ADDRESSES[1]]
        worker.end(signal.SIGKILL)
        for _ in range(20):  # what only reads is answered by the other one, as if nothing had been
            assert await story.owner.room(story.room)
        await traffic.reached(160)
        assert story.reconnects > reconnects, "no socket felt that its worker was killed"
        worker.start()
        await asyncio.to_thread(installation.wait_ready, ADDRESSES[1])
        await traffic.finish()
        report = story.judge(await story.settle(traffic))
        assert report.violations == 0, str(report)
        assert report.acked == 240 + 2
        assert not story.protocol_violations()
    for begins in ("/ws/v1/", "/api/v1/rooms/"):
        # No sticky sessions; the log has a socket when it has ended.
        await until(
            lambda begins=begins: installation.served_since(before, begins) == set(ADDRESSES),
            f"{begins} on both",
        )


async def test_a_worker_that_stops_tells_its_sockets_through_the_proxy(
    installation: Installation, people: People
) -> None:
    ada = await people.register("ada")
    sockets = [await Socket.connect(installation.url, ada.access) for _ in range(8)]
    worker = installation.workers[ADDRESSES[0]]
    assert await asyncio.to_thread(worker.end, signal.SIGTERM) == 0
    ended = [found.ending for found in sockets if found.ending]
    assert ended, "no socket was on it"
    assert len(ended) < len(sockets), "all sockets were on it"
    assert {(ending.code, ending.why) for ending in ended} == {(1012, "restarting")}
    for _ in range(4):  # the other one serves
        async with await Socket.connect(installation.url, ada.access) as again:
            assert again.welcome
    for found in sockets:
        await found.close()


async def test_a_page_of_our_own_host_or_a_named_one_may_open_a_socket_and_no_other(
    installation: Installation, people: People
) -> None:
    ada = await people.register("ada")
    own = f"http://127.0.0.1:{installation.port}"  # the port as the client sees it
    for origin in (own, "https://app.example.com"):
        async with await Socket.connect(installation.url, ada.access, origin=origin) as socket:
            assert socket.welcome["user"]["id"] == ada.user_id
    for origin in ("https://evil.example.com", own.replace("127.0.0.1", "127.0.0.2"), "http://127.0.0.1"):
        with pytest.raises(Exception, match="HTTP 403"):
            await Socket.connect(installation.url, ada.access, origin=origin)
    answer = ask(installation, "/api/v1/users/me/", headers={**TLS, "Origin": "https://app.example.com"})
    assert answer.headers["access-control-allow-origin"] == "https://app.example.com"


def test_plain_http_is_sent_to_https_unless_the_balancer_says_it_was(installation: Installation) -> None:
    path = "/api/v1/users/me/?secret=1"
    host = {"Host": f"{HOST}:8443"}
    assert ask(installation, path, headers=TLS).status_code == 401
    for headers in ({}, {"X-Forwarded-Proto": "http"}, {"X-Forwarded-Proto": "https, http"}):
        answer = ask(installation, path, headers=host | headers)
        assert answer.status_code == 301, headers
        assert answer.headers["location"] == f"https://{HOST}:8443{path}"
    spoofed = {**TLS, "X_Forwarded_Proto": "https", "X-Forwarded-Ssl": "on", "Forwarded": "proto=https"}
    assert ask(installation, path, headers=host | spoofed, come_from=STRANGER).status_code == 301


def test_the_clients_address_is_the_balancers_word_and_never_a_strangers(installation: Installation) -> None:
    for come_from, sent, known in (
        ("127.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", "198.51.100.1, 203.0.113.8", "203.0.113.8"),
        (STRANGER, "203.0.113.7", STRANGER),
    ):
        headers = {**TLS, "X-Forwarded-For": sent}
        answer = ask(installation, f"/api/v1/here/{known}/", headers=headers, come_from=come_from)
        line = installation.logged(lambda line, known=known: line["path"].endswith(f"/{known}/"))
        assert line["client"] == known
        assert line["request_id"] == answer.headers["x-request-id"]


def test_limits_by_address_count_who_comes_to_the_balancer(installation: Installation) -> None:
    def log_in(address: str, number: int) -> int:
        wrong = {"username": f"nobody{number}", "password": "wrong wrong wrong"}
        headers = {**TLS, "X-Forwarded-For": f"198.51.100.{number}, {address}"}
        return ask(
            installation, "/api/v1/auth/token/", method="POST", headers=headers, json=wrong
        ).status_code

    answers = [log_in("203.0.113.50", number) for number in range(12)]
    assert (answers[0], answers[-1]) == (401, 429)
    assert log_in("203.0.113.51", 1) == 401


def test_probes_pass_without_tls_and_by_any_name(installation: Installation) -> None:
    for path in ("/healthz", "/readyz"):
        answer = ask(installation, path, headers={"Host": "10.1.2.3"}, come_from=STRANGER)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_a_body_that_is_too_large_is_parleys_to_refuse_and_a_huge_one_nginxs(
    installation: Installation,
) -> None:
    def send(size: int) -> httpx.Response:
        return ask(
            installation, "/api/v1/auth/token/", method="POST", headers=TLS, json={"username": "x" * size}
        )

    large = send(200_000)
    assert (large.status_code, large.json()["code"]) == (413, "too_large")
    assert large.json()["detail"] == "At most 131072 bytes."  # nginx knows no number
    problem_of(send(2_000_000), errors.TooLarge)


def test_what_is_no_request_is_refused_in_json(installation: Installation) -> None:
    for sent in (
        b"NONSENSE\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 70_000 + b"\r\n\r\n",
    ):
        got, _ = raw(installation, sent, 5)
        head, _, body = got.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400 "), got
        assert b"application/problem+json" in head
        assert json.loads(body)["code"] == "invalid"
    got, _ = raw(installation, b"TRACE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 5)
    assert json.loads(got.partition(b"\r\n\r\n")[2])["code"] == "method_not_allowed"


def test_without_any_worker_the_proxy_says_so_in_json(installation: Installation) -> None:
    for worker in installation.workers.values():
        worker.end(signal.SIGKILL)
    for method in ("GET", "POST"):
        answer = ask(
            installation, "/api/v1/rooms/?q=hidden", method=method, headers={**TLS, "Origin": "https://a.org"}
        )
        problem_of(answer, errors.Unavailable)
        assert answer.headers["retry-after"] == "1"
        assert answer.headers["access-control-allow-origin"] == "*"
    installation.wait_whole()
    assert ask(installation, "/api/v1/rooms/", headers=TLS).status_code == 401


async def test_what_only_dawdles_is_cut_off_by_the_proxy(installation: Installation) -> None:
    head = f"POST /api/v1/auth/token/ HTTP/1.1\r\nHost: {HOST}\r\nX-Forwarded-Proto: https\r\n"
    half_head = asyncio.to_thread(raw, installation, head.encode(), 20)
    half_body = asyncio.to_thread(raw, installation, f'{head}Content-Length: 50\r\n\r\n{{"user'.encode(), 20)
    nothing = asyncio.to_thread(raw, installation, b"", 20)
    for _, after_s in await asyncio.gather(half_head, half_body, nothing):
        assert 9 < after_s < 14
    assert not [
        line for line in installation.access_log() if line["status"] == 200 and line["duration_s"] > 9
    ]


async def test_the_logs_hold_no_query_string_no_token_and_no_secret_path(
    installation: Installation, people: People
) -> None:
    ada: Rest = await people.register("ada")
    room = (await ada.create_room())["id"]
    async with await Socket.connect(
        installation.url, ada.access, auth="subprotocol", room=room, since=0
    ) as socket:
        assert socket.welcome
    for asked in (f"/api/v1/rooms/{room}/events/?since=0&x=queried", "/api/v1/invites/hidden/accept/"):
        ask(installation, asked, headers={**TLS, "Authorization": f"Bearer {ada.access}"})
    ask(installation, f"/api/v1/rooms/{room}/invites/hidden/", headers=TLS)
    for path in (f"/ws/v1/rooms/{room}/", f"/api/v1/rooms/{room}/invites/…"):
        installation.logged(lambda line, path=path: line["path"] == path)
    logs = [installation.proxy.said(), *(worker.said() for worker in installation.workers.values())]
    for hidden in ("queried", "since=", "eyJ", PASSWORD, ada.refresh_token):
        assert all(hidden not in log for log in logs), hidden
    assert "hidden" not in installation.proxy.said()
    paths = {line["path"] for line in installation.access_log()}
    assert {f"/api/v1/rooms/{room}/events/", "/api/v1/invites/…", f"/api/v1/rooms/{room}/invites/…"} <= paths


def test_migrations_may_be_run_again(installation: Installation) -> None:
    installation.migrate()
