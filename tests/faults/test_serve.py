"""`manage.py serve`: workers that die are replaced, it ends in good order, and refuses what can lose a commit."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import httpx
import pytest

from devtools.processes import ROOT
from devtools.services import Postgres, free_port
from tests.api import PASSWORD
from tests.client.rest import Rest
from tests.client.resuming import ResumingClient
from tests.client.socket import Socket
from tests.faults.periods import REAL
from tests.faults.stores import Stores
from tests.figures import Record, in_all, in_seconds

pytestmark = pytest.mark.faults

WAIT_S = 20.0
SPREAD = {} if REAL else {"SOCKET_CLOSE_SPREAD_S": "0.5"}


@contextlib.contextmanager
def serve(
    stores: Stores, *arguments: str, program: Sequence[str] = ("manage.py",), **env: str
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The running command and its URL."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, *program, "serve", "--port", str(port), *arguments],
        cwd=ROOT, env=stores.env() | env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.communicate()


def healthy(url: str) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"{url}/healthz", timeout=2, trust_env=False).status_code == 200
    return False


def children(process: subprocess.Popen[str]) -> list[int]:
    with open(f"/proc/{process.pid}/task/{process.pid}/children") as found:
        return [int(pid) for pid in found.read().split()]


def until(true, what: str) -> None:  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_0_when_asked_to(stores: Stores, workers: str, sign: signal.Signals) -> None:
    with serve(stores, "--workers", workers) as (process, url):
        until(lambda: healthy(url), "it serves")
        process.send_signal(sign)
        said = process.communicate(timeout=WAIT_S)
        assert process.returncode == 0, said
        assert not healthy(url)


def test_a_worker_that_dies_is_replaced(stores: Stores) -> None:
    with serve(stores, "--workers", "2") as (process, url):
        until(lambda: healthy(url), "it serves")
        before = children(process)
        assert len(before) == 2
        os.kill(before[0], signal.SIGKILL)
        until(lambda: len(set(children(process)) - set(before)) == 1, "another one is there")
        os.kill(before[1], signal.SIGKILL)
        until(
            lambda: len(children(process)) == 2 and not set(before) & set(children(process)), "both are new"
        )
        until(lambda: healthy(url), "the new ones serve")
        process.terminate()
        process.communicate(timeout=WAIT_S)
        assert process.returncode == 0


def test_a_database_that_confirms_what_it_may_lose_is_refused(stores: Stores) -> None:
    with (
        Postgres(settings={"synchronous_commit": "off"}) as careless,
        serve(stores, DATABASE_URL=careless.url) as (process, _),
    ):
        assert "synchronous_commit" in process.communicate(timeout=WAIT_S)[1]
        assert process.returncode == 1


async def test_its_sockets_are_told_that_it_restarts(stores: Stores) -> None:
    await stop(stores)


async def stop(stores: Stores, **env: str) -> None:
    """AssertionError unless the sockets of a server that is to stop are told why they are closed."""
    with serve(stores, program=("-m", "tests.faults.watched"), **env) as (process, url):
        await asyncio.to_thread(until, lambda: healthy(url), "it serves")
        rest = Rest(url)
        await rest.register(f"zoe{free_port()}", PASSWORD)
        sockets = [await Socket.connect(url, rest.access) for _ in range(5)]
        process.terminate()
        for socket in sockets:
            ending = await socket.wait_closed()
            assert (ending.code, ending.why) == (1012, "restarting")
        await asyncio.to_thread(process.communicate, timeout=WAIT_S)
        assert process.returncode == 0
        await rest.close()


def test_what_a_client_says_of_itself_for_a_proxy_is_believed_from_named_proxies_alone(
    stores: Stores,
) -> None:
    for proxies, redirected in (("", True), ("10.0.0.1", True), ("127.0.0.1", False)):
        settings = {"FORWARDED_ALLOW_IPS": proxies, "SECURE_SSL_REDIRECT": "1"}
        with serve(stores, **settings) as (_, url):
            until(partial(healthy, url), "it serves")
            answer = httpx.get(
                f"{url}/api/v1/users/me/", headers={"X-Forwarded-Proto": "https"}, trust_env=False
            )
            assert (answer.status_code == 301) == redirected, proxies


def test_workers_do_not_outlive_a_supervisor_that_is_killed(stores: Stores) -> None:
    with serve(stores, "--workers", "2") as (process, url):
        until(lambda: healthy(url), "it serves")
        workers = children(process)
        process.kill()
        process.wait()
        until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in workers), "they are gone")
        assert not healthy(url)


@pytest.mark.fault("two workers are renewed under load (SIGHUP)")
async def test_sighup_renews_the_workers_under_load_without_a_loss(
    stores: Stores, record_property: Record
) -> None:
    """Sends go on all the while; each socket that ends does so by 1012, and its client resumes."""
    with serve(stores, "--workers", "2", **SPREAD) as (process, url):
        await asyncio.to_thread(until, lambda: healthy(url), "it serves")
        before = set(children(process))
        rest = Rest(url)
        await rest.register(f"zoe{free_port()}", PASSWORD)
        room = (await rest.create_room())["id"]
        clients = [await ResumingClient(rest, rooms=[room]).start() for _ in range(8)]
        began, sent = time.monotonic(), 0
        process.send_signal(signal.SIGHUP)
        while before & set(children(process)):
            await clients[sent % 8].send(room, f"n{sent}", "x")
            sent += 1
        in_seconds(record_property, "both renewed after", time.monotonic() - began)
        in_all(record_property, sends=sent, sockets=clients)
        head = (await rest.room(room))["last_seq"]
        assert head == 2 + sent
        for client in clients:
            await client.reach(room, head, WAIT_S)
            assert [end.code for end in client.endings] in ([1012], [1012, 1012])
            await client.stop()
        assert len(children(process)) == 2
        await rest.close()


SUPERVISOR = """
import sys, django
django.setup()
from gateway.server import listen
from gateway.supervisor import Supervisor
sys.exit(Supervisor(listen("127.0.0.1", int(sys.argv[1])), 2, [sys.executable, sys.argv[2]]).run())
"""
WORKER = """
import os, sys
if os.path.exists({broken!r}):
    sys.exit(3)
os.execv(sys.executable, [sys.executable, "manage.py", "serve", *sys.argv[1:]])
"""


def test_workers_that_do_not_come_up_leave_the_old_ones_serving(stores: Stores, tmp_path: Path) -> None:
    """Renewing into a release that is broken is no outage."""
    broken, worker, port = tmp_path / "broken", tmp_path / "worker.py", free_port()
    worker.write_text(WORKER.format(broken=str(broken)))
    env = stores.env() | {"DJANGO_SETTINGS_MODULE": "backend.settings", "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, str(port), str(worker)],
        cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}"
        until(lambda: healthy(url) and len(children(process)) == 2, "it serves")
        before = children(process)
        broken.touch()
        process.send_signal(signal.SIGHUP)
        assert process.stderr is not None
        until(lambda: "does not answer" in str(process.stderr and process.stderr.readline()), "it says so")
        assert children(process) == before
        assert healthy(url)
        broken.unlink()
        process.send_signal(signal.SIGHUP)
        until(
            lambda: len(children(process)) == 2 and not set(before) & set(children(process)), "both are new"
        )
        assert healthy(url)
    finally:
        process.terminate()
        process.communicate(timeout=WAIT_S)
    assert process.returncode == 0


def test_the_collector_does_not_look_through_what_was_there_at_the_start(cluster):
    for worker in cluster.workers:
        assert worker.census()["frozen"] > 50_000
