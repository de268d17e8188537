"""The admin in Debian's Chromium: an operator looks around and deletes a message, and nothing that people wrote is run."""

import subprocess
import sys
from urllib.parse import urlsplit

import httpx
import pytest

from devtools.processes import ROOT
from tests.api import PASSWORD
from tests.browser import BROWSER, HOST, chromium, environment, served, watched

pytestmark = BROWSER

XSS = "<img src=x onerror=alert(1)>"
ON = {"ADMIN_ENABLED": "1", "DEBUG": "1", "DOCS_ENABLED": "0"}  # DEBUG: its cookies go over plain HTTP


@pytest.fixture
def server(tmp_path):
    """Its URL; grace is an operator, and ada has written to a room."""
    env = environment(tmp_path, **ON)
    for command in (["migrate", "-v0"], ["createsuperuser", "--noinput", "--username", "grace"]):
        subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env=env | {"DJANGO_SUPERUSER_PASSWORD": PASSWORD, "DJANGO_SUPERUSER_EMAIL": ""},
            check=True,
        )
    with served(tmp_path, **ON) as url:
        api = httpx.Client(
            base_url=f"http://127.0.0.1:{urlsplit(url).port}/api/v1/", headers={"Host": HOST}, trust_env=False
        )
        ada = api.post(
            "auth/register/",
            json={"username": "ada", "password": PASSWORD, "display_name": XSS, "device": XSS},
        )
        api.headers["Authorization"] = f"Bearer {ada.json()['access']}"
        room = api.post("rooms/", json={"kind": "private", "name": XSS}).json()["id"]
        assert api.post(f"rooms/{room}/messages/", json={"client_id": "1", "body": XSS}).status_code == 201
        yield url


def test_an_operator_looks_around_and_deletes_a_message(server, screenshots):
    with chromium(server) as browser:
        page, asked, complaints = watched(browser)
        page.goto(f"{server}/admin/", wait_until="networkidle")
        page.screenshot(path=screenshots / "admin-login.png")
        page.fill("#id_username", "grace")
        page.fill("#id_password", PASSWORD)
        page.click("input[type=submit]")
        page.wait_for_selector("text=For operators")
        page.screenshot(path=screenshots / "admin.png")
        for where in ("accounts/user/?q=ada", "accounts/session/?q=ada", "rooms/room/", "messaging/message/"):
            page.goto(f"{server}/admin/{where}", wait_until="networkidle")
            assert XSS in page.content().replace("&lt;", "<").replace("&gt;", ">") or "session" in where
            page.click("#result_list tbody tr th a")
            page.wait_for_selector("text=Close")
            page.screenshot(path=screenshots / f"admin-{where.split('/')[1]}.png", full_page=True)
        page.goto(f"{server}/admin/messaging/message/", wait_until="networkidle")
        page.check("#result_list tbody input.action-select")
        page.select_option("select[name=action]", "delete_messages")
        page.click("button[name=index]")
        page.wait_for_selector("text=Deleted: 1")
        page.goto(f"{server}/admin/rooms/room/", wait_until="networkidle")
        page.click("#result_list tbody tr th a")
        page.click("a:text-is('Log')")
        page.wait_for_selector("text=message.deleted")
        page.screenshot(path=screenshots / "admin-log.png")
        page.click("text=Log out")
        page.wait_for_selector("text=Logged out")
    assert {urlsplit(url).netloc for url in asked if urlsplit(url).scheme == "http"} == {
        urlsplit(server).netloc
    }
    assert complaints == []
