"""Floods of bytes at a server without the bounds on them: the same judgement must complain."""

import pytest

from tests.gateway.test_endless_frames import FLOODS, flooded
from tests.gateway.test_raw_floods import large_ones
from tests.live import LiveServer

pytestmark = pytest.mark.slow

NO_BOUND = 2**62


@pytest.fixture
def server(transactional_db, settings):
    """Its own: how large a frame may be is settled when it starts."""
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    settings.FRAME_MAX_BYTES = settings.SOCKET_FRAGMENTS_MAX = settings.SOCKET_CONTROLS_PER_S = 2 * NO_BOUND
    live = LiveServer()
    live.start()
    yield live
    live.stop()


async def test_without_the_bounds_on_frames_no_flood_ends_and_memory_grows(server, ada, record_property):
    floods = list(FLOODS.values()) * 5
    wrong = await flooded(server, ada.access, floods, record_property)
    assert wrong == ["not ended"] * len(floods) + ["memory"]


async def test_without_the_limit_on_frames_large_ones_are_taken_without_end(server, ada, record_property):
    """Memory is the inbox' to bound: the next one is read when there is space."""
    assert await large_ones(server, ada.access, 300, record_property, 5) == ["not closed for it"]
