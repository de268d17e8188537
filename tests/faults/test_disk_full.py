"""The disk is full: nothing is acknowledged that is not stored, reading goes on, and it comes back by itself."""

import contextlib
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.client.rest import Problem, Rest
from tests.client.socket import Refused, Socket
from tests.faults.embedded import embedded
from tests.figures import Record, in_all

# Of its own mount namespace, which takes root or a kernel that lets users make one.
MOUNT = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"]), "sh", "-c"]
POSSIBLE = sys.platform == "linux" and not subprocess.run(
    [*MOUNT, "mount -t tmpfs tmpfs /mnt"], capture_output=True, check=False
).returncode  # fmt: skip

pytestmark = pytest.mark.faults

DISK_MIB = 16
SENDS = 3_000  # of 8,000 characters each: more than fits


@contextlib.contextmanager
def on_a_small_disk(tmp_path: Path, settings: Mapping[str, str] = {}) -> Iterator[tuple[str, Path]]:
    """An embedded server on a disk of DISK_MIB; its URL, and the disk as seen from here."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f"mount -t tmpfs -o size={DISK_MIB}m tmpfs {disk}"
    with embedded(disk, tmp_path / "log", shell=MOUNT, before=mount, settings=settings) as (url, pid):
        yield url, Path(f"/proc/{pid}/root{disk}")


async def send_until_refused(ada: Rest, room: str, disk: Path) -> tuple[list[str], Problem | None]:
    """What was acknowledged before and after the disk was filled, and the refusal; none where an ack was false."""
    acked = [(await ada.send(room, f"before-{n}", "hello"))[0]["client_id"] for n in range(20)]
    fill(disk / "filler")
    for number in range(SENDS):
        try:
            await ada.send(room, f"full-{number}", secrets.token_hex(4_000))
        except Problem as problem:
            return acked, problem
        acked.append(f"full-{number}")
        if number % 20 == 19 and (await ada.room(room))["last_seq"] < 2 + len(acked):
            return acked, None
    raise AssertionError("the disk never was full")


async def false_acks(ada: Rest, room: str, acked: list[str]) -> list[str]:
    """What was acknowledged and is not stored."""
    stored = {message["client_id"] for message in await ada.history(room)}
    return [client_id for client_id in acked if client_id not in stored]


@pytest.mark.fault("the disk is full, on SQLite")
@pytest.mark.slow
async def test_a_full_disk_refuses_honestly_and_recovers_without_a_restart(
    tmp_path: Path, record_property: Record
) -> None:
    with on_a_small_disk(tmp_path) as (url, disk):
        await refused_and_recovered(url, disk, record_property)


async def refused_and_recovered(url: str, disk: Path, record_property: Record) -> None:
    """Fill the disk of the server while it is used, and empty it again."""
    async with Rest(url) as ada:
        await ada.register("ada", "correct horse battery staple 7")
        room = (await ada.create_room())["id"]
        socket = await Socket.connect(url, ada.access)
        await socket.request("subscribe", rooms=[{"room": room}])
        acked, refused = await send_until_refused(ada, room, disk)
        assert refused is not None, "an ack was false"
        assert (refused.status, refused.code) == (503, "storage_unavailable")
        with pytest.raises(Refused) as told:
            await socket.request(
                "message.send", room=room, client_id="by-socket", body=secrets.token_hex(4_000)
            )
        assert told.value.code == "storage_unavailable"
        assert (await ada.room(room))["last_seq"] == 2 + len(acked)
        assert len(await ada.history(room)) == len(acked)
        assert await false_acks(ada, room, acked) == []

        (disk / "filler").unlink()
        for again in (f"full-{len(acked) - 20}", "by-socket", "after"):
            sent = await ada.send_until_acked(room, again, "hello" if again == "after" else "again")
            acked.append(sent.client_id)
        stored = [message["client_id"] for message in await ada.history(room)]
        in_all(record_property, acked=acked, stored=stored)
        assert stored == acked
        assert [event["seq"] for event in await ada.log(room)] == list(range(1, 3 + len(acked)))
        assert socket.ending is None
        await socket.find(lambda frame: frame.get("seq") == 2 + len(acked))
        seqs = [event["seq"] for event in socket.events(room)]
        assert seqs == list(range(3, 3 + len(acked)))
        await socket.close()


@pytest.mark.slow
async def test_acks_before_the_commit_are_found_to_be_false(tmp_path: Path) -> None:
    """The twin."""
    with on_a_small_disk(tmp_path, {"SABOTAGE": "hears_of_no_failed_commit"}) as (url, disk):
        async with Rest(url) as ada:
            await ada.register("ada", "correct horse battery staple 7")
            room = (await ada.create_room())["id"]
            acked, refused = await send_until_refused(ada, room, disk)
            assert refused is None
            assert await false_acks(ada, room, acked)


def fill(file: Path) -> None:
    """Until nothing more fits."""
    with file.open("wb", buffering=0) as filler:
        for piece in (1 << 20, 1 << 12):
            with contextlib.suppress(OSError):
                while True:
                    filler.write(b"\0" * piece)


@pytest.fixture(autouse=True)
def _possible() -> None:
    assert POSSIBLE, "no disk can be mounted here: run as root, or allow user namespaces"
