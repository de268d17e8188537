"""The server tidies up by itself."""

import asyncio
from datetime import timedelta

from common import clock
from gateway import housekeeping
from gateway.runtime import runtime
from rooms.models import LogEntry, Membership, Room
from tests.gateway.test_subscribe import say
from tests.gateway.waiting import in_database, until


async def test_it_purges_deleted_rooms_while_others_are_used(settings, server, ada, bob, room, connect):
    settings.HOUSEKEEPING_S, settings.HOUSEKEEPING_PAUSE_S, settings.PURGE_BATCH_ROWS = 0.01, 0.001, 3
    gone = (await ada.create_room(members=[bob.user_id]))["id"]
    await say(ada, gone, 10)
    await ada.delete_room(gone)
    long_ago = clock.now() - timedelta(days=2)
    await in_database(lambda: Room.objects.filter(pk=gone).update(deleted_at=long_ago))

    async def start():
        return asyncio.get_running_loop().create_task(housekeeping.keep_house(runtime().hub.pool))

    async def stop(task):
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def left():
        return await in_database(lambda: Room.objects.filter(pk=gone).exists())

    task = server.call(start())
    for number in range(200):
        if not await left():
            break
        await say(ada, room, 1, start=number)
    server.call(stop(task))
    assert not await left()
    assert await in_database(lambda: LogEntry.objects.filter(room_id=gone).count()) == 0
    assert await in_database(lambda: Membership.objects.filter(room_id=room).count()) == 2


async def test_a_chore_that_fails_is_done_again_and_keeps_no_other_from_its_turn(
    monkeypatch, settings, server, room
):
    settings.HOUSEKEEPING_S = 0.01
    ran = []

    def fails():
        ran.append("fails")
        raise OSError("no")
        yield 0

    def works():
        ran.append("works")
        yield 1

    monkeypatch.setattr(housekeeping, "CHORES", (fails, works))

    async def start():
        return asyncio.get_running_loop().create_task(housekeeping.keep_house(runtime().hub.pool))

    task = server.call(start())
    await until(lambda: ran.count("works") >= 2, "both had their turn twice")

    async def stop():
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    server.call(stop())
    assert ran[:4] == ["fails", "works"] * 2


async def test_every_process_does_it(server, ada):
    async def names():
        return [task.get_coro().__name__ for task in runtime().hub._tasks]

    assert "keep_house" in server.call(names())
