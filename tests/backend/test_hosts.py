"""By which names clients reach a server, and what those are told who come by another."""

import pytest

from common.hosts import host_allowed, local_origin_allowed
from common.problems import PROBLEM_JSON

OWN = [
    "localhost", "localhost:8000", "app.localhost", "127.0.0.1:8000", "[::1]:8000", "10.0.2.2:8000", "10.1.2.3",
    "192.168.178.20:8000", "172.16.0.1", "172.31.255.255", "169.254.1.1", "Adas-Mac.local:8000", "a.b.local",
    "[fe80::1]", "[fd12:3456::1]:8000",
]  # fmt: skip
STRANGE = [
    "", "evil.org", "local", "evil.org:8000", "localhost.evil.org", "10.0.2.2.evil.org", "192.168.1.1.nip.io",
    "a.local.evil.org", "evillocal", "8.8.8.8", "172.32.0.1", "11.0.0.1", "192.169.0.1", "0.0.0.0:8000", "0",
    "[2001:db8::1]", "[::]", "2130706433", "0x7f.1", "10.1", "10.0.2.2@evil.org", "10.0.2.2/", "127.0.0.2",
    "localhost,evil.org", "localhost\n", "10.0.2.2 evil.org",
]  # fmt: skip


def test_with_debug_on_a_developers_own_names_pass_beside_the_listed(settings):
    settings.DEBUG = True
    for listed in ([], ["chat.example.com"]):
        settings.ALLOWED_HOSTS = listed
        assert [host for host in OWN if not host_allowed(host)] == []
        assert [host for host in STRANGE if host_allowed(host)] == []
    assert host_allowed("chat.example.com:8000")


def test_with_debug_off_only_the_listed_pass(settings):
    settings.DEBUG = False
    settings.ALLOWED_HOSTS = ["chat.example.com"]
    assert [host for host in (*OWN, *STRANGE) if host_allowed(host)] == []
    assert host_allowed("chat.example.com")


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("redirect", [True, False])
def test_a_host_that_is_refused_is_told_which_and_by_what_setting(client, settings, debug, redirect):
    settings.DEBUG = debug
    settings.SECURE_SSL_REDIRECT = redirect and not debug
    settings.ALLOWED_HOSTS = ["chat.example.com"]
    answer = client.get("/api/v1/users/me/", headers={"host": "other.example.com"})
    assert (answer.status_code, answer["Content-Type"]) == (400, PROBLEM_JSON)
    said = answer.json()
    assert said["code"] == "invalid"
    [error] = said["errors"]
    assert (error["attr"], error["code"]) == ("Host", "host_not_allowed")
    assert "'other.example.com'" in error["detail"]
    assert "ALLOWED_HOSTS" in error["detail"]


def test_a_host_is_repeated_only_in_part_and_on_one_line(client, settings):
    settings.ALLOWED_HOSTS = ["chat.example.com"]
    detail = client.get("/", headers={"host": "\x1b[31m" + "x" * 5_000}).json()["detail"]
    assert len(detail) < 400
    assert detail.isprintable()


@pytest.mark.parametrize(
    "origin",
    ["http://localhost:5173", "https://localhost", "capacitor://localhost", "ionic://localhost",
     "http://192.168.1.5:5173", "http://adas-mac.local:8081", "http://[::1]:3000"],
)  # fmt: skip
def test_a_developers_own_page_or_app_may_call_with_debug_on(settings, origin):
    settings.DEBUG = True
    assert local_origin_allowed(origin)
    settings.DEBUG = False
    assert not local_origin_allowed(origin)


@pytest.mark.parametrize(
    "origin",
    ["null", "http://evil.org", "http://localhost.evil.org", "http://10.0.0.1.evil.org", "file://localhost",
     "http://localhost/", "http://localhost:5173.evil.org", "http://evil.org#http://localhost", "chrome://localhost",
     "http://localhost\n", "http://127.0.0.2", "http://user@localhost"],
)  # fmt: skip
def test_a_strangers_page_may_not(settings, origin):
    settings.DEBUG = True
    assert not local_origin_allowed(origin)
