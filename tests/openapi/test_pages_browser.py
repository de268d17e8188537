"""The pages in Debian's Chromium, served as in production under a name that is not localhost."""

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[2]
HOST = "chat.example.com"
CHROMIUM = shutil.which("chromium")
# Without these Chromium itself calls its maker's hosts.
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", f"--host-resolver-rules=MAP {HOST} 127.0.0.1",
]  # fmt: skip

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium (Debian: apt-get install chromium)"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The URL of the whole ASGI application under uvicorn, with production settings and documents on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    env = os.environ | {
        "DEBUG": "0",
        "DOCS_ENABLED": "1",
        "ALLOWED_HOSTS": HOST,
        "SECURE_SSL_REDIRECT": "0",
        "DATABASE_URL": f"sqlite:///{tmp_path_factory.mktemp('pages')}/db.sqlite3",
        "REDIS_URL": "",
    }
    command = [sys.executable, "-m", "uvicorn", "backend.asgi:application", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True)
    try:
        url = f"http://{HOST}:{port}"
        deadline = time.monotonic() + 30
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/healthz", headers={"Host": HOST}, trust_env=False)
                break
            except httpx.TransportError:
                if process.poll() is not None or time.monotonic() > deadline:
                    process.kill()
                    pytest.fail(f"the server did not start: {process.communicate()[1]}")
                time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module")
def browser(server):
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*QUIET, f"--unsafely-treat-insecure-origin-as-secure={server}"]
        )
        yield found
        found.close()


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/", "text=Swagger UI"),
        ("/api/docs/", "#operations-service-readyz"),
        ("/api/redoc/", "#docs [data-item-id='tag/service']"),
    ],
)
def test_a_page_works_and_asks_no_other_host(server, browser, path, shown, tmp_path):
    asked, complaints = [], []
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(server + path, wait_until="networkidle")
    page.locator(shown).first.wait_for(timeout=10_000)
    page.screenshot(
        path=Path(os.environ.get("PARLEY_SCREENSHOTS", tmp_path))
        / f"{path.strip('/').replace('/', '-') or 'index'}.png"
    )
    page.close()
    hosts = {urlsplit(url).netloc for url in asked if urlsplit(url).scheme not in ("data", "blob")}
    assert hosts == {urlsplit(server).netloc}
    assert complaints == []


def test_swagger_ui_tries_a_call_out(server, browser):
    page = browser.new_page()
    page.goto(server + "/api/docs/", wait_until="networkidle")
    page.locator("#operations-service-healthz").click()
    with page.expect_response(lambda response: response.url.endswith("/healthz")) as answered:
        page.locator("#operations-service-healthz button.execute").click()
    assert answered.value.status == 200
    page.close()
