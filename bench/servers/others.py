"""What Parley is measured against; their code is in bench/baselines/."""

import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta

import jwt

from bench.people.crowd import Crowd, Populated
from bench.servers.base import SECRET, Server, plain
from devtools.environment import PYTHON, VENV
from devtools.processes import ROOT, Command

SOCKETIO = ROOT / "bench" / "baselines" / "socketio"


class Tutorial(Server):
    title = "Channels tutorial"
    wire = "chat"
    template = "chat"
    name = "tutorial"

    def command(self) -> Command:
        return [
            VENV / "bin" / "daphne",
            "-p",
            str(self.port),
            f"bench.baselines.{self.name}.asgi:application",
        ]

    def prepare(self) -> None:
        self.env["DJANGO_SETTINGS_MODULE"] = f"bench.baselines.{self.name}.settings"
        # A number of Redis' databases each: the layers would share their names.
        self.env["REDIS_URL"] = self.stores.redis_url.rpartition("/")[0] + f"/{self.redis_number}"
        self.env["DATABASE_URL"] = self.stores.copy(self.template or "", self._migrate)

    redis_number = 1

    def populate(self, crowd: Crowd) -> Populated:
        command: Command = [PYTHON, "-m", "bench.baselines.chat.people", str(crowd.people)]
        return plain(crowd, json.loads(self.helper(command)))

    def _migrate(self, url: str) -> None:
        self.env["DATABASE_URL"] = url
        self.helper([PYTHON, "-m", "django", "migrate", "--run-syncdb", "--verbosity", "0"])


class Stock(Tutorial):
    title = "best stock Channels"
    name = "stock"
    redis_number = 2

    def command(self) -> Command:
        return [
            PYTHON, "-m", "uvicorn", "bench.baselines.stock.asgi:application",
            "--port", str(self.port), "--ws", "websockets-sansio", "--ws-per-message-deflate", "false",
            "--loop", "uvloop", "--log-level", "warning", "--lifespan", "off",
        ]  # fmt: skip


class Bare(Server):
    title = "bare limit"
    wire = "bare"

    def command(self) -> Command:
        return [PYTHON, "-m", "bench.baselines.bare", str(self.port)]

    def prepare(self) -> None:
        """It has no store."""

    def populate(self, crowd: Crowd) -> Populated:
        return plain(crowd, [""] * crowd.people)


class SocketIo(Server):
    title = "Socket.IO"
    wire = "socketio"

    @classmethod
    def missing(cls) -> str:
        """Installs what package-lock.json says, once."""
        if not (shutil.which("node") and shutil.which("npm")):
            return "node and npm are not installed"
        if not (SOCKETIO / "node_modules").is_dir():
            done = subprocess.run(
                ["npm", "ci", "--no-audit", "--no-fund"],
                cwd=SOCKETIO,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                shutil.rmtree(SOCKETIO / "node_modules", ignore_errors=True)
                return f"npm ci failed: {done.stderr.strip()[-200:]}"
        return ""

    def command(self) -> Command:
        return ["node", SOCKETIO / "server.js"]

    def prepare(self) -> None:
        self.env |= {
            "DATABASE_URL": self.stores.database(),
            "REDIS_URL": self.stores.redis_url.rpartition("/")[0] + "/3",
            "PORT": str(self.port),
            "NODE_ENV": "production",
        }

    def populate(self, crowd: Crowd) -> Populated:
        expires = datetime.now(UTC) + timedelta(days=1)
        names = [f"ada-{number}" for number in range(crowd.people)]
        return plain(crowd, [jwt.encode({"sub": name, "exp": expires}, SECRET, "HS256") for name in names])
