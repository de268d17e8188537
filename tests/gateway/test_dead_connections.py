"""A connection to the database that dies under a question is not the asker's trouble."""

import logging

import pytest
from django.db import OperationalError

from gateway import socket_rooms
from tests.client.socket import Refused
from tests.gateway.test_subscribe import say, seqs, subscribe


def failing(monkeypatch, times):
    """The next so many questions for places fail."""
    real, left = socket_rooms.places, [None] * times

    def places(**query):
        if left:
            left.pop()
            raise OperationalError("terminating connection due to administrator command")
        return real(**query)

    monkeypatch.setattr(socket_rooms, "places", places)
    return left


async def test_what_is_read_is_read_again_on_another_connection(ada, room, connect, monkeypatch):
    socket = await connect(ada)
    left = failing(monkeypatch, 1)
    await subscribe(socket, room)
    assert not left
    await say(ada, room, 1)
    await socket.find("message.created")
    assert seqs(socket, room) == [4]


async def test_a_database_that_is_away_is_a_line_of_the_log_and_no_traceback(
    ada, room, connect, monkeypatch, caplog
):
    socket = await connect(ada)
    failing(monkeypatch, 2)
    with caplog.at_level(logging.WARNING, "gateway.reader"), pytest.raises(Refused, match="unavailable"):
        await subscribe(socket, room)
    [record] = [record for record in caplog.records if record.name == "gateway.reader"]
    assert "administrator command" in record.getMessage()
    assert record.exc_info is None
    await subscribe(socket, room)
