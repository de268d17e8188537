"""docker-compose.yml without Docker: its commands, environments and files, as processes on loopback addresses.

What is other than in containers: names and ports of the stores, and the addresses servers listen on.
"""

import contextlib
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import httpx

from devtools.binaries import redis_server
from devtools.services import Postgres, free_port
from tests.deploy import image
from tests.deploy.compose import ROOT, Compose, interpolate
from tests.deploy.name_server import NameServer
from tests.deploy.processes import PATH, Process

HOST = "chat.example.com"
ADDRESSES = ("127.0.0.2", "127.0.0.3")  # of the workers, as containers have one each
BALANCERS = "127.0.0.0/9"  # who ends TLS: most of the tests come from there
STRANGER = "127.200.0.1"
READY_S = 40.0
_RESOLVES_SINCE = (1, 27, 3)


def nginx_version() -> tuple[int, ...]:
    """Of the nginx that is found on PATH, /usr/sbin included."""
    said = subprocess.run(["nginx", "-v"], env={"PATH": PATH}, capture_output=True, text=True, check=True)
    return tuple(map(int, re.findall(r"\d+", said.stderr)[:3]))


class Installation:
    """Running while it is entered: `url` is the proxy's, `workers` are by their addresses."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.app = folder / "app"
        self.workers: dict[str, Process] = {}
        self._compose = Compose(
            {
                "SECRET_KEY": secrets.token_hex(32),
                "POSTGRES_PASSWORD": secrets.token_hex(32),
                "REDIS_PASSWORD": secrets.token_hex(32),
                "ALLOWED_HOSTS": f"{HOST},127.0.0.1",
                "ALLOWED_ORIGINS": "https://app.example.com",
                "TRUSTED_PROXY": BALANCERS,
                "FORWARDED_ALLOW_IPS": "127.0.0.0/8",  # where nginx comes from here
                "WORKERS": "1",
            }
        )
        self.postgres = Postgres()
        self.redis_port, self.worker_port, self.port = free_port(), free_port(), free_port()
        self.redis = self._redis()
        self.names = NameServer("web", lambda: [at for at, worker in self.workers.items() if worker.running])
        self.proxy = self._proxy()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def balancer(self) -> Self:
        """What the people of tests/faults talk to."""
        return self

    def __enter__(self) -> Self:
        try:
            self.app.mkdir()
            image.copy_to(self.app)
            self.postgres.start()
            self.redis.start()
            self.migrate()
            for address in ADDRESSES:
                self.workers[address] = self._worker(address)
                self.workers[address].start()
            self.proxy.start()
            self.wait_whole()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.proxy.end()  # in order, else its own workers would stay behind
        for process in (*self.workers.values(), self.redis):
            process.end(signal.SIGKILL)
        self.names.close()
        self.postgres.close()

    def wait_whole(self) -> None:
        """Start workers that do not run, and wait until the proxy sends requests to each."""
        for worker in self.workers.values():
            if not worker.running:
                worker.start()
        for address in self.workers:
            self.wait_ready(address)
        before = len(self.access_log())
        self._until(
            lambda: self._answers(f"{self.url}/healthz") and self.served_since(before) == set(self.workers),
            "the proxy sends requests to all",
        )

    def served_since(self, before: int, begins: str = "/") -> set[str]:
        """Addresses of the workers that answered requests for such paths, after so many lines of the log."""
        lines = [line for line in self.access_log()[before:] if line["path"].startswith(begins)]
        return {line["worker"].rpartition(" ")[2].rpartition(":")[0] for line in lines} - {""}

    def migrate(self) -> None:
        """The one-shot service; AssertionError with its output where it fails."""
        once = Process(
            self._compose.services["migrate"]["command"],
            self._environment("migrate"),
            self.app,
            self.folder / "migrate.log",
        )
        once.start()
        assert once.wait() == 0, once.said()

    def wait_ready(self, address: str) -> None:
        """Until this worker answers `/readyz`, asked as its health check does."""
        worker = self.workers[address]
        check = self._compose.services["web"]["healthcheck"]["test"]
        assert check[:3] == ["CMD", "python", "-c"]
        asked = [sys.executable, "-c", check[3].replace("127.0.0.1", address)]
        env = {"PORT": str(self.worker_port)}

        def ready() -> bool:
            assert worker.running, worker.said()[-3000:]
            return subprocess.run(asked, env=env, capture_output=True, check=False).returncode == 0

        self._until(ready, f"{address} is ready")

    def access_log(self) -> list[dict[str, Any]]:
        """What nginx wrote of each request that has ended."""
        return [json.loads(line) for line in self.proxy.said().splitlines() if line.startswith("{")]

    def logged(self, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first line of which that holds, once it is there: nginx writes it after the answer."""
        self._until(lambda: any(map(holds, self.access_log())), "the line in the log")
        return next(filter(holds, self.access_log()))

    def _environment(self, service: str) -> dict[str, str]:
        env = self._compose.environment(service)
        places = {
            "@postgres:5432/": f"@127.0.0.1:{self.postgres.port}/",
            "@redis:6379/": f"@127.0.0.1:{self.redis_port}/",
        }
        for name, (before, after) in zip(("DATABASE_URL", "REDIS_URL"), places.items(), strict=True):
            assert before in env[name]
            env[name] = env[name].replace(before, after)
        return env

    def _worker(self, address: str) -> Process:
        env = self._environment("web") | {"HOST": address, "PORT": str(self.worker_port)}
        return Process(image.command(), env, self.app, self.folder / f"{address}.log")

    def _redis(self) -> Process:
        service = self._compose.services["redis"]
        programs = self.folder / "programs"
        programs.mkdir()
        # The very command; only the port and the address are other ones.
        (programs / "redis-server").write_text(
            f'#!/bin/sh\nexec {redis_server()} "$@" --port {self.redis_port} --bind 127.0.0.1\n'
        )
        (programs / "redis-server").chmod(0o755)
        env = service["environment"] | {"PATH": f"{programs}{os.pathsep}{PATH}"}
        return Process(service["command"], env, self.folder, self.folder / "redis.log")

    def _proxy(self) -> Process:
        service = self._compose.services["proxy"]
        values = {name: value for name, value in service["environment"].items() if name.startswith("PARLEY_")}
        values["PARLEY_LISTEN"] = f"127.0.0.1:{self.port}"
        values["PARLEY_RESOLVER"] = self.names.address
        if nginx_version() >= _RESOLVES_SINCE:
            values["PARLEY_SERVERS"] = values["PARLEY_SERVERS"].replace(":8000", f":{self.worker_port}")
        else:  # as docs/operations.md says for older ones
            how = values["PARLEY_SERVERS"].replace(" resolve", "").partition(":8000")[2]
            values["PARLEY_SERVERS"] = " ".join(f"server {at}:{self.worker_port}{how}" for at in ADDRESSES)
        run = self.folder / "run"
        run.mkdir(mode=0o755)
        (run / "nginx.conf").write_text(render((ROOT / "deploy" / "nginx.conf.template").read_text(), values))
        command = [str(run) if word == "/tmp" else word for word in service["command"]]
        return Process(command, {}, run, self.folder / "nginx.log")

    def _answers(self, url: str) -> bool:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(url, timeout=5, trust_env=False).status_code == 200
        return False

    def _until(self, holds: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + READY_S
        while not holds():
            assert time.monotonic() < deadline, f"{what}: not in {READY_S} s\n{self.proxy.said()[-2000:]}"
            time.sleep(0.05)


def render(template: str, values: dict[str, str]) -> str:
    """As the image's entrypoint does by `envsubst`: names of PARLEY_* alone."""
    for name, value in values.items():
        template = template.replace(f"${{{name}}}", interpolate(value, {}))
    assert "${" not in template
    return template
