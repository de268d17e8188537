"""Which pages may open a socket. Any other is refused in the handshake, with 403."""

import asyncio
import json

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from common.problems import PROBLEM_JSON
from gateway.origin import origin_allowed
from tests.gateway.wire import Wire

HOST = "chat.example.com"
APP = "https://app.example.net"


@pytest.fixture
def hosts(settings):
    settings.DEBUG = False
    settings.ALLOWED_HOSTS = [HOST, "127.0.0.1", "[::1]", "chat.local"]
    settings.ALLOWED_ORIGINS = [APP, "http://localhost:5173", "capacitor://localhost"]


async def handshake(server, **headers):
    """The status and the body, if it is JSON, of the answer to a handshake."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    fields = {"Host": "127.0.0.1", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
              "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", **headers}  # fmt: skip
    path = fields.pop("path", "/ws/v1/")
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    writer.write("\r\n".join(lines).encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    body = None
    if f"content-type: {PROBLEM_JSON}" in head:
        body = json.loads(await reader.readexactly(int(head.split("content-length: ")[1].split("\r\n")[0])))
    writer.close()
    return int(head.split(" ")[1]), body


@pytest.mark.daphne_cannot("bodies")
async def test_a_refused_handshake_says_which_origin_and_by_what_setting(server):
    status, said = await handshake(server, Origin="https://evil.org")
    assert (status, said["code"], said["status"]) == (403, "forbidden", 403)
    [error] = said["errors"]
    assert (error["attr"], error["code"]) == ("Origin", "origin_not_allowed")
    assert "'https://evil.org'" in error["detail"]
    assert "ALLOWED_ORIGINS" in error["detail"]
    assert said["request_id"]


@pytest.mark.daphne_cannot("bodies")
async def test_a_path_without_a_socket_says_where_there_are_some(server):
    status, said = await handshake(server, path="/ws/v2/")
    assert (status, said["code"]) == (403, "forbidden")
    assert "/ws/v1/" in said["detail"]


@pytest.mark.parametrize(
    "host", ["10.0.2.2:8000", "192.168.178.20:8000", "adas-mac.local:8000", "localhost:8000"]
)
async def test_with_debug_on_phones_and_emulators_come_in_and_else_not(settings, server, host):
    settings.ALLOWED_HOSTS = ["chat.example.com"]
    for debug, rest, socket in ((True, 401, 101), (False, 400, 403)):
        settings.DEBUG = debug
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"{server.http}/api/v1/users/me/", headers={"Host": host})
        assert answer.status_code == rest
        # React Native sends the server itself as the page.
        assert (await handshake(server, Host=host, Origin=f"http://{host}"))[0] == socket


PASSING = [
    (None, HOST),
    (None, ""),
    (f"https://{HOST}", HOST),
    (f"http://{HOST}", HOST),
    (f"https://{HOST}", f"{HOST}:443"),
    (f"https://{HOST}:443", HOST),
    (f"https://{HOST.upper()}", HOST),
    (f"https://{HOST}:8443", f"{HOST}:8443"),
    ("http://127.0.0.1:8000", "127.0.0.1:8000"),
    ("http://[::1]:8000", "[::1]:8000"),
    (APP, HOST),
    (APP, "elsewhere.example.org"),
    ("http://localhost:5173", HOST),
    ("capacitor://localhost", HOST),
]
REFUSED = [
    ("null", HOST),
    ("", HOST),
    ("https://evil.org", HOST),
    ("https://evil-chat.example.com", HOST),
    ("https://evilchat.example.com", HOST),
    ("https://evil.chat.example.com", HOST),
    ("https://chat.example.com.evil", HOST),
    ("https://chat.example.com.evil.org", HOST),
    ("https://example.com", HOST),
    ("https://chat.example.com@evil.org", HOST),
    ("https://evil.org@chat.example.com", HOST),
    ("https://evil.org/https://chat.example.com", HOST),
    ("https://chat.example.com/", HOST),
    ("https://chat.example.com/path", HOST),
    ("https://chat.example.com#x", HOST),
    ("https://chat.example.com?x", HOST),
    (" https://chat.example.com", HOST),
    ("https://chat.example.com ", HOST),
    ("https://chat.example.com\t", HOST),
    ("https://chat.example.com,https://evil.org", HOST),
    ("https://chat.example.com https://evil.org", HOST),
    ("https://chat.example.com:444", HOST),
    ("https://chat.example.com:80", HOST),
    ("http://chat.example.com", f"{HOST}:443"),
    ("https://chat.example.com:99999", HOST),
    ("https://chat.example.com:port", HOST),
    ("https://[::1", "[::1]"),
    ("http://127.0.0.1:8001", "127.0.0.1:8000"),
    ("http://127.0.0.1", "127.0.0.1:8000"),
    ("http://localhost:8000", "127.0.0.1:8000"),
    ("ws://chat.example.com", HOST),
    ("ftp://chat.example.com", HOST),
    ("file://chat.example.com", HOST),
    ("file://", HOST),
    ("chat.example.com", HOST),
    ("//chat.example.com", HOST),
    ("https:chat.example.com", HOST),
    ("https://", ""),
    ("https://ch\xe4t.example.com", HOST),
    # Listed origins match whole and exactly.
    ("http://app.example.net", HOST),
    ("https://app.example.net:444", HOST),
    ("https://app.example.net.evil.org", HOST),
    ("https://evil-app.example.net", HOST),
    ("https://app.example.net/", HOST),
    ("http://localhost:5174", HOST),
    ("http://localhost", HOST),
    # The page and the server it thinks to reach are the same, but it is not us (DNS rebinding).
    ("http://evil.org", "evil.org"),
    ("http://evil.org:8000", "evil.org:8000"),
    ("https://chat.example.com", ""),
    ("https://chat.example.com", "chat.example.com, evil.org"),
]


def test_none_ones_own_and_the_listed_pass(hosts):
    assert [case for case in PASSING if not origin_allowed(*case)] == []


def test_everything_else_is_refused(hosts):
    assert [case for case in REFUSED if origin_allowed(*case)] == []


def test_subdomains_pass_where_allowed_hosts_says_so_but_only_as_ones_own(hosts, settings):
    settings.ALLOWED_HOSTS = [".example.com"]
    assert origin_allowed("https://a.example.com", "a.example.com")
    assert not origin_allowed("https://b.example.com", "a.example.com")
    assert not origin_allowed("https://a.example.com.evil.org", "a.example.com.evil.org")


def test_localhost_of_any_port_passes_in_debug_alone(hosts, settings):
    assert not origin_allowed("http://localhost:3000", HOST)
    settings.DEBUG = True
    for passing in ("http://localhost:3000", "http://127.0.0.1", "http://[::1]:5173", "https://localhost:1",
                    "capacitor://localhost", "ionic://localhost", "http://192.168.1.5:8081"):  # fmt: skip
        assert origin_allowed(passing, HOST)
    for foreign in ("http://localhost.evil.org", "http://localhost:1.evil.org", "http://127.0.0.10", "null"):
        assert not origin_allowed(foreign, HOST)


@pytest.mark.daphne_cannot("origin")
async def test_the_handshake_of_a_foreign_origin_is_refused_with_403(settings, server, ada):
    settings.ALLOWED_ORIGINS = [APP]
    own = server.http
    for origin in (None, own, APP):
        async with await Wire.open(server.ws, ada.access, origin=origin) as wire:
            assert (await wire.next())["type"] == "welcome"
    other_port = f"http://127.0.0.1:{server.port + 1}"
    for origin in (
        "null",
        "https://evil.org",
        other_port,
        "http://127.0.0.1",
        f"{own}.evil.org",
        f"{APP}.evil",
    ):
        for token in (ada.access, None):  # a good token does not help
            with pytest.raises(InvalidStatus) as refused:
                await Wire.open(server.ws, token, origin=origin)
            assert refused.value.response.status_code == 403, origin
    settings.ALLOWED_HOSTS = ["chat.example.com"]
    with pytest.raises(InvalidStatus):
        await Wire.open(server.ws, ada.access, origin=own)
