"""The disk is full: nothing is acknowledged that is not stored, reading goes on, and it comes back by itself."""

import contextlib
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
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


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """An embedded server on a disk of DISK_MIB; its URL, and the disk as seen from here."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f"mount -t tmpfs -o size={DISK_MIB}m tmpfs {disk}"
    with embedded(disk, tmp_path / "log", shell=MOUNT, before=mount) as (url, pid):
        yield url, Path(f"/proc/{pid}/root{disk}")


@pytest.mark.fault("the disk is full, on SQLite")
@pytest.mark.slow
async def test_a_full_disk_refuses_honestly_and_recovers_without_a_restart(
    small_disk: tuple[str, Path], record_property: Record
) -> None:
    url, disk = small_disk
    async with Rest(url) as ada:
        await ada.register("ada", "correct horse battery staple 7")
        room = (await ada.create_room())["id"]
        socket = await Socket.connect(url, ada.access)
        await socket.request("subscribe", rooms=[{"room": room}])
        acked = [(await ada.send(room, f"before-{n}", "hello"))[0]["client_id"] for n in range(20)]
        fill(disk / "filler")

        refused = None
        for number in range(SENDS):
            try:
                await ada.send(room, f"full-{number}", secrets.token_hex(4_000))
                acked.append(f"full-{number}")
            except Problem as problem:
                refused = problem
                break
        assert refused is not None, "the disk never was full"
        assert (refused.status, refused.code) == (503, "storage_unavailable")
        with pytest.raises(Refused) as told:
            await socket.request(
                "message.send", room=room, client_id="by-socket", body=secrets.token_hex(4_000)
            )
        assert told.value.code == "storage_unavailable"
        assert (await ada.room(room))["last_seq"] == 2 + len(acked)
        assert len(await ada.history(room)) == len(acked)

        (disk / "filler").unlink()
        for again in (f"full-{number}", "by-socket", "after"):
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
