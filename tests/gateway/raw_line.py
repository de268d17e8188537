"""A server on which raw frames are sent, once for a whole module: its tests change nothing that is stored."""

import pytest
from django.test import override_settings

from accounts.models import User
from gateway.runtime import runtime
from tests.api import register
from tests.gateway.raw_frames import TEXT, RawSocket, text
from tests.gateway.waiting import until

ASK = b'{"type":"ping","id":1}'
ANSWER = (TEXT, b'{"type":"pong","id":1}')
MD5 = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="module")
def transactional_db(django_db_setup, django_db_blocker):
    """The database, for all tests here at once: they change nothing in it, and emptying it takes longer than they do."""
    with django_db_blocker.unblock():
        yield
        User.objects.all().delete()


@pytest.fixture(scope="module")
def line(transactional_db, module_server):
    """The module's server, and ada's token; for modules that import `transactional_db` from here."""
    with override_settings(
        ALLOWED_HOSTS=["127.0.0.1", "testserver"], SECURE_SSL_REDIRECT=False, PASSWORD_HASHERS=MD5
    ):
        module_server.token = register("ada").access
        yield module_server


@pytest.fixture
async def other(line):
    """Another socket: whatever is sent on the first, it goes on, and in the end it alone is left."""
    async with await RawSocket.open(line, line.token) as other:
        yield other
        await other.send(text(ASK))
        assert await other.next() == ANSWER

        async def sockets():
            return sum(len(local) for local in runtime().hub._people.values())

        await until(lambda: line.call(sockets()) <= 1, "nothing of the other stays")
    await until(lambda: line.call(sockets()) == 0, "nothing of either stays")


@pytest.fixture
async def raw(line, other):
    async with await RawSocket.open(line, line.token) as raw:
        yield raw
        raw.cut()
