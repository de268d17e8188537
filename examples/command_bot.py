"""Answers !commands in all of its rooms, over one WebSocket. Needs `pip install websockets`.

    PARLEY_URL=http://127.0.0.1:8000 PARLEY_TOKEN=parley_… python3 command_bot.py [memory.json]

It remembers the last event it has dealt with in each room. After a broken line, or a restart, it goes on right after
that, so it misses nothing. An answer's client_id is made from the id of the command, so none is given twice.
"""

import argparse
import json
import os
import random
import sys
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection, connect

COMMANDS: dict[str, Callable[[str], str]] = {
    "!help": lambda text: "I know " + ", ".join(COMMANDS),
    "!echo": lambda text: text or "…",
    "!roll": lambda text: f"You rolled a {random.randint(1, 6)}.",
    "!time": lambda text: datetime.now(UTC).strftime("It is %H:%M:%S UTC."),
}
AGAIN = {"rate_limited", "slow_mode", "unavailable", "storage_unavailable", "internal_error"}

Frame = dict[str, Any]


class Memory:
    """What outlives the connection and the process: the last `seq` of each room, and the epoch they belong to."""

    def __init__(self, file: Path) -> None:
        self._file = file
        held = json.loads(file.read_text()) if file.exists() else {}
        self.seqs: dict[str, int] = held.get("seqs", {})
        self.epoch: str | None = held.get("epoch")

    def save(self) -> None:
        draft = self._file.with_suffix(".draft")
        draft.write_text(json.dumps({"seqs": self.seqs, "epoch": self.epoch}))
        draft.replace(self._file)  # whole or not at all


class Bot:
    """What is done with one connection."""

    def __init__(self, socket: ClientConnection, memory: Memory) -> None:
        self.socket, self.memory = socket, memory
        self.ready = False
        self.why = ""  # the code that the server gives before it closes
        self._later: deque[Frame] = deque()  # came while an answer was waited for

    def run(self) -> None:
        """Go on where we were, until the connection ends."""
        welcome = self._read(lambda frame: frame["type"] == "welcome")
        seqs = self.memory.seqs
        subscribe = {"type": "subscribe", "rooms": "all", "since": dict(seqs), "epoch": self.memory.epoch}
        answer = self._ask(subscribe)
        if answer["type"] == "error":
            raise ConnectionError(answer["detail"])
        for room in answer["data"]["rooms"]:
            if "code" in room:  # not ours any more
                seqs.pop(room["room"], None)
            elif (
                room["resync"] or room["room"] not in seqs
            ):  # begins at its end: what was before is not answered
                seqs[room["room"]] = room["seq"]
        self.memory.epoch = welcome["epoch"]
        self.memory.save()
        self.ready = True
        print(f"Listening in {len(seqs)} rooms as {welcome['user']['username']}.", flush=True)
        while True:
            self._take(self._later.popleft() if self._later else self._read())

    def _take(self, frame: Frame) -> None:
        """Deal with a frame, and only then remember that we have."""
        seqs = self.memory.seqs
        if frame["type"] == "subscribed":  # somebody put us into a room
            seqs.update({room["room"]: room["seq"] for room in frame["rooms"]})
        elif frame["type"] == "unsubscribed":
            seqs.pop(frame["room"], None)
        elif "seq" in frame:
            if frame["type"] == "message.created":
                self._answer(frame["data"]["message"])
            seqs[frame["room"]] = frame["seq"]
        else:
            return
        self.memory.save()

    def _answer(self, message: Frame) -> None:
        command, _, text = message["body"].partition(" ")
        if message["author"]["is_bot"] or command not in COMMANDS:  # two bots would never end
            return
        body = COMMANDS[command](text.strip())
        send = {
            "type": "message.send",
            "room": message["room"],
            "client_id": f"re:{message['id']}",
            "body": body,
        }
        while (answer := self._ask(send))["type"] == "error":
            if answer["code"] == "client_id_conflict":  # answered before, by another throw of the dice
                return
            if answer["code"] not in AGAIN:  # muted, say
                print(f"Not answered: {answer['detail']}", file=sys.stderr)
                return
            time.sleep(answer.get("retry_after", 1))

    def _ask(self, frame: Frame) -> Frame:
        """Send a frame; its `ack` or `error`."""
        self.socket.send(json.dumps({"id": 1, **frame}))  # one at a time, so one id will do
        return self._read(lambda answer: answer.get("id") == 1)

    def _read(self, wanted: Callable[[Frame], bool] = lambda frame: True) -> Frame:
        """The next frame that is wanted; the others are kept for later, in order."""
        while True:
            frame: Frame = json.loads(self.socket.recv())
            if frame["type"] == "error" and frame["id"] is None:
                self.why = frame["code"]
            elif wanted(frame):
                return frame
            else:
                self._later.append(frame)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "memory", nargs="?", type=Path, default=Path("memory.json"), help="where it remembers"
    )
    memory = Memory(parser.parse_args().memory)
    server = os.environ.get("PARLEY_URL") or f"http://127.0.0.1:{os.environ.get('PORT') or 8000}"
    token = os.environ.get("PARLEY_TOKEN")
    if not token:
        parser.error("set PARLEY_TOKEN")
    url = server.rstrip("/").replace("http", "ws", 1) + "/ws/v1/"
    headers = {"Authorization": f"Bearer {token}"}
    wait_s = 0.5
    while True:
        try:
            with connect(url, additional_headers=headers) as socket:
                bot = Bot(socket, memory)
                try:
                    bot.run()
                finally:
                    wait_s = 0.5 if bot.ready else wait_s
        except ConnectionClosed as closed:
            if closed.rcvd and closed.rcvd.code in (4401, 4403):  # the token is good no more
                sys.exit(bot.why)
        except (OSError, WebSocketException) as error:
            print(f"No connection to {server}: {error}", file=sys.stderr)
        time.sleep(random.uniform(0, wait_s))  # not all at once after a restart of the server
        wait_s = min(wait_s * 2, 30)


if __name__ == "__main__":
    main()
