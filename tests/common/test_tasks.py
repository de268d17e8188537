"""A task that was told to end has ended."""

import asyncio

from common.tasks import cancel_and_wait


async def deaf(times):
    """Goes on for ever, and takes so many cancellations for something else."""
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            if not times:
                raise
            times -= 1


async def test_a_task_that_swallows_cancellations_ends_too():
    tasks = [asyncio.create_task(deaf(times)) for times in (0, 1, 3)]
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await cancel_and_wait(tasks)
    assert all(task.cancelled() for task in tasks)


async def test_no_task_and_ended_tasks_are_not_waited_for():
    async def fails():
        raise ValueError

    ended = asyncio.create_task(fails())
    await asyncio.wait([ended])
    async with asyncio.timeout(10):
        await cancel_and_wait([])
        await cancel_and_wait([ended])
