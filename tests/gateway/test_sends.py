"""The queue before the writer: what gathers while one batch is stored is the next, and the loop is not asked."""

import asyncio
import threading

import pytest

from common.errors import InternalError, Unavailable
from gateway import sends
from gateway.sends import SendQueue

pytestmark = pytest.mark.django_db(transaction=True)  # its thread readies a connection

WAIT_S = 5


class Storing:
    """In place of the database: keeps what came, and holds each batch until `go`."""

    def __init__(self, monkeypatch):
        self.batches = []
        self.began = threading.Semaphore(0)
        self.go = threading.Semaphore(0)
        monkeypatch.setattr(sends, "send_messages", self)

    def __call__(self, drafts):
        self.batches.append(list(drafts))
        self.began.release()
        assert self.go.acquire(timeout=WAIT_S)
        if "bad" in drafts:
            raise ValueError("somewhere below")
        return [f"stored {draft}" for draft in drafts]


async def test_what_gathers_while_a_batch_is_stored_is_the_next_taken_while_the_loop_is_busy(monkeypatch):
    storing, queue = Storing(monkeypatch), SendQueue()
    futures = [queue.submit(1)]
    assert storing.began.acquire(timeout=WAIT_S)
    futures += [queue.submit(number) for number in (2, 3, 4)]
    storing.go.release(2)
    # The loop stands still here, as it does while it delivers to many.
    assert storing.began.acquire(timeout=WAIT_S), "the next batch waits for the loop"
    assert storing.batches == [[1], [2, 3, 4]]
    assert await asyncio.gather(*futures) == [f"stored {number}" for number in (1, 2, 3, 4)]
    await queue.stop()


async def test_a_batch_has_a_bound(monkeypatch, settings):
    settings.SEND_BATCH_MAX = 2
    storing, queue = Storing(monkeypatch), SendQueue()
    futures = [queue.submit(1)]
    assert storing.began.acquire(timeout=WAIT_S)
    futures += [queue.submit(number) for number in range(2, 7)]
    storing.go.release(4)
    await asyncio.gather(*futures)
    assert storing.batches == [[1], [2, 3], [4, 5], [6]]
    await queue.stop()


async def test_stopping_waits_for_what_waits(monkeypatch):
    storing, queue = Storing(monkeypatch), SendQueue()
    futures = [queue.submit(number) for number in range(3)]
    stopping = asyncio.create_task(queue.stop())
    await asyncio.sleep(0)
    assert not stopping.done()
    storing.go.release(2)
    await stopping
    assert [future.result() for future in futures] == ["stored 0", "stored 1", "stored 2"]
    assert isinstance(queue.submit(3).result(), Unavailable)


async def test_a_batch_that_cannot_be_stored_is_answered_and_the_next_is_stored(monkeypatch, alarms):
    alarms.expected.add("a batch of 1 messages could not be stored")
    storing, queue = Storing(monkeypatch), SendQueue()
    storing.go.release(2)
    assert isinstance(await queue.submit("bad"), InternalError)
    assert await queue.submit("good") == "stored good"
    await queue.stop()


async def test_more_than_may_wait_are_refused_at_once(monkeypatch, settings):
    settings.SEND_QUEUE_MAX = 2
    storing, queue = Storing(monkeypatch), SendQueue()
    first = queue.submit(1)
    assert storing.began.acquire(timeout=WAIT_S)
    waiting = [queue.submit(2), queue.submit(3)]
    refused = queue.submit(4)
    assert isinstance(refused.result(), Unavailable)
    storing.go.release(2)
    assert await asyncio.gather(first, *waiting) == ["stored 1", "stored 2", "stored 3"]
    await queue.stop()
