"""Debian's Chromium, and the whole application served to it as in production under a name that is not localhost."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from devtools.processes import ROOT

HOST = "chat.example.com"
CHROMIUM = shutil.which("chromium")
# Without these Chromium itself calls its maker's hosts.
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", f"--host-resolver-rules=MAP {HOST} 127.0.0.1",
]  # fmt: skip
BROWSER = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium (Debian: apt-get install chromium)"),
]
START_S = 30.0


@contextmanager
def served(folder: Path, **settings: str) -> Iterator[str]:
    """The URL of a server with these settings and a database of its own, in `folder`, without tables."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "backend.asgi:application", "--port", str(port)]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment(folder, **settings), stderr=subprocess.PIPE, text=True
    )
    try:
        deadline = time.monotonic() + START_S
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/healthz", headers={"Host": HOST}, trust_env=False)
                break
            except httpx.TransportError:
                if process.poll() is not None or time.monotonic() > deadline:
                    process.kill()
                    pytest.fail(f"the server did not start: {process.communicate()[1]}")
                time.sleep(0.05)
        yield f"http://{HOST}:{port}"
    finally:
        process.terminate()
        process.wait(20)


def environment(folder: Path, **settings: str) -> dict[str, str]:
    """Of the server, and of commands on its database."""
    return os.environ | {
        "DEBUG": "0",
        "ALLOWED_HOSTS": HOST,
        "SECURE_SSL_REDIRECT": "0",
        "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3",
        "REDIS_URL": "",
        **settings,
    }


@contextmanager
def chromium(server: str) -> Iterator[Browser]:
    """A browser that takes the server's plain HTTP for safe."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*QUIET, f"--unsafely-treat-insecure-origin-as-secure={server}"]
        )
        yield found
        found.close()


def watched(browser: Browser) -> tuple[Page, list[str], list[str]]:
    """A page, what it asks for, and what the browser complains of: errors, and dialogs that a script opened."""
    asked: list[str] = []
    complaints: list[str] = []
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
    return page, asked, complaints
