"""Where `serve` says it can be reached: addresses that can be opened."""

from ipaddress import ip_address

import pytest

from gateway.announcement import announcement, lan_address

LAN = "192.168.1.5"


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000/"),
        ("0.0.0.0", "http://127.0.0.1:8000/"),
        ("::", "http://127.0.0.1:8000/"),
        ("::1", "http://[::1]:8000/"),
        ("chat.lan", "http://chat.lan:8000/"),
    ],
)
def test_the_first_line_is_of_this_machine(settings, host, shown):
    settings.DOCS_ENABLED = True
    line = announcement(host, 8000, lan=LAN).splitlines()[0]
    assert f"docs {shown}api/docs/  API {shown}api/v1/  socket {shown.replace('http', 'ws')}ws/v1/" in line


def test_on_every_address_a_phone_is_told_where_with_debug_on_alone(settings):
    settings.ALLOWED_HOSTS = []
    for debug, host, lan, lines in (
        (True, "0.0.0.0", LAN, 2),
        (False, "0.0.0.0", LAN, 1),
        (True, "127.0.0.1", LAN, 1),
        (True, "0.0.0.0", None, 1),
    ):
        settings.DEBUG = debug
        found = announcement(host, 8000, lan=lan).splitlines()
        assert len(found) == lines
        assert lines == 1 or found[1].endswith("http://192.168.1.5:8000/  ws://192.168.1.5:8000/ws/v1/")


def test_an_address_that_is_not_private_is_named_with_the_setting_it_needs(settings):
    settings.DEBUG, settings.ALLOWED_HOSTS = True, []
    assert "ALLOWED_HOSTS" in announcement("0.0.0.0", 8000, lan="203.0.113.7").splitlines()[1]
    settings.ALLOWED_HOSTS = ["203.0.113.7"]
    assert "ALLOWED_HOSTS" not in announcement("0.0.0.0", 8000, lan="203.0.113.7")


def test_this_machines_address_is_one_or_none():
    found = lan_address()
    assert found is None or ip_address(found).version == 4
