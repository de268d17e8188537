"""The database is restored from a back-up: clients are told, and do not continue on numbers that mean other events."""

import asyncio
from functools import partial

import pytest

from tests.client.rest import Problem, Rest
from tests.client.resuming import ResumingClient
from tests.faults.cluster import Cluster
from tests.faults.people import People

pytestmark = pytest.mark.faults

NOTICED_S = 25.0  # the longest the contract allows for anything; a pool finds its way back in that time too


async def _send(rest: Rest, room: str, words: list[str]) -> None:
    for word in words:
        await rest.send_until_acked(room, word, word)


def _told(client: ResumingClient, room: str) -> bool:
    # "ahead" before it is right too: the database was back before its new epoch was.
    return client.records[room].resyncs[-1:] == ["epoch"]


@pytest.mark.fault("a back-up is restored")
async def test_a_restored_backup_resyncs_everyone(cluster: Cluster, people: People) -> None:
    ada = await people.register("ada")
    room = (await ada.create_room())["id"]
    there = [people.at(ada, worker.url) for worker in cluster.workers]
    await _send(ada, room, ["kept-1", "kept-2"])
    backed_up = (await ada.room(room))["last_seq"]
    await asyncio.to_thread(cluster.stores.back_up)
    await _send(ada, room, ["undone-1", "undone-2", "undone-3"])
    clients = [await ResumingClient(rest, rooms=[room], since={room: 0}).start() for rest in there]
    old_epoch = clients[0].epoch
    head = (await ada.room(room))["last_seq"]
    for client in clients:
        await client.reach(room, head, 10)

    await asyncio.to_thread(cluster.stores.restore)
    await asyncio.to_thread(cluster.stores.manage, "new_epoch")

    for client in clients:
        await client.until(partial(_told, client, room), NOTICED_S, "resync: epoch")
        assert 1012 in [ending.code for ending in client.endings], client.endings
        assert client.epoch != old_epoch
        assert client.records[room].stretches[-1].start == backed_up
    # The numbers go on from the back-up, for other messages than before.
    await _send(ada, room, ["after-1", "after-2"])
    for client in clients:
        await client.reach(room, backed_up + 2, 10)
        assert client.records[room].stretches[-1].seqs == [backed_up + 1, backed_up + 2]
        await client.stop()
    for since in (0, backed_up, head):
        with pytest.raises(Problem) as told:
            await ada.events(room, since, epoch=old_epoch)
        assert (told.value.status, told.value.code) == (410, "resync")
        assert told.value.body["reason"] == "epoch"
    with pytest.raises(Problem) as ahead:
        await ada.events(room, head + 100)
    assert (ahead.value.status, ahead.value.body["reason"]) == (410, "ahead")
    words = [message["body"] for message in await ada.history(room)]
    assert words == ["kept-1", "kept-2", "after-1", "after-2"]
