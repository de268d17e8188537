"""One send, made twenty times at once on two workers by REST and socket, is one message."""

import asyncio

import pytest

from tests.client.rest import Rest
from tests.client.socket import Socket
from tests.client.strict_json import Json
from tests.faults.cluster import Cluster
from tests.faults.people import People
from tests.figures import Record, in_all

pytestmark = pytest.mark.faults

ROUNDS = 5
EACH_WAY = 5  # REST and socket, on each worker: 20


async def _by_socket(socket: Socket, room: str, client_id: str) -> tuple[Json, bool]:
    data = await socket.request("message.send", room=room, client_id=client_id, body="once")
    return data["message"], data["duplicate"]


async def _by_rest(rest: Rest, room: str, client_id: str) -> tuple[Json, bool]:
    message, duplicate = await rest.send(room, client_id, "once")
    return {name: value for name, value in message.items() if name != "me"}, duplicate


@pytest.mark.fault("one `client_id` is sent by twenty at once to two workers")
async def test_twenty_sends_of_one_client_id_are_one_message(
    cluster: Cluster, people: People, record_property: Record
) -> None:
    ada = await people.register("ada")
    room = (await ada.create_room())["id"]
    rests = [people.at(ada, worker.url) for worker in cluster.workers]
    sockets = [
        await Socket.connect(worker.url, ada.access) for worker in cluster.workers for _ in range(EACH_WAY)
    ]
    client_ids = [f"again-{number}" for number in range(ROUNDS)]
    try:
        for client_id in client_ids:
            answers = await asyncio.gather(
                *(_by_socket(socket, room, client_id) for socket in sockets),
                *(_by_rest(rest, room, client_id) for rest in rests for _ in range(EACH_WAY)),
            )
            assert [duplicate for _, duplicate in answers].count(False) == 1, "it was stored more than once"
            first = answers[0][0]
            assert all(message == first for message, _ in answers), "the acks differ"
    finally:
        for socket in sockets:
            await socket.close()

    assert [message["client_id"] for message in await ada.history(room)] == client_ids
    in_all(record_property, sends=20 * ROUNDS, messages=client_ids)
    log = await ada.log(room)
    created = [event for event in log if event["type"] == "message.created"]
    assert [event["data"]["message"]["client_id"] for event in created] == client_ids
    assert [event["seq"] for event in log] == list(range(1, len(log) + 1))
