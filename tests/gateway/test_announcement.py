"""Where `serve` says it can be reached: addresses that can be opened."""

import pytest

from gateway import announcement as module
from gateway.announcement import announcement


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
    line = announcement(host, 8000).splitlines()[0]
    assert f"docs {shown}api/docs/  API {shown}api/v1/  socket {shown.replace('http', 'ws')}ws/v1/" in line


def test_on_every_address_a_phone_is_told_where_with_debug_on_alone(settings, monkeypatch):
    monkeypatch.setattr(module, "lan_address", lambda: "192.168.1.5")
    for debug, host, lines in ((True, "0.0.0.0", 2), (False, "0.0.0.0", 1), (True, "127.0.0.1", 1)):
        settings.DEBUG = debug
        found = announcement(host, 8000).splitlines()
        assert len(found) == lines
        assert lines == 1 or "http://192.168.1.5:8000/" in found[1]
    settings.DEBUG = True
    monkeypatch.setattr(module, "lan_address", lambda: None)
    assert len(announcement("0.0.0.0", 8000).splitlines()) == 1
