"""A person's device as docs/protocol.md describes it: it shows what REST gave it, advanced by events."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Literal

from tests.client.rest import Problem, Rest
from tests.client.resuming import GivenUp, ResumingClient, Timing
from tests.client.state import ClientState, RoomState
from tests.client.strict_json import Json


class Device:
    """A ResumingClient that loads each room where its subscription begins, and applies every event after.

    `state` holds the rooms that are loaded; one that is subscribed no more is gone from it. `on_frame` sees each
    frame after what it did. A switched-off device keeps its positions and its state, as a phone does.
    """

    def __init__(
        self,
        rest: Rest,
        *,
        rooms: Literal["all"] | list[str] = "all",
        on_frame: Callable[[Json], None] = lambda frame: None,
    ) -> None:
        self.rest = rest
        self.state = ClientState()
        self._on_frame = on_frame
        self._waiting: dict[str, list[Json]] = {}  # events of rooms that are being loaded
        self._loads: dict[str, asyncio.Task[None]] = {}
        self.client = ResumingClient(
            rest,
            rooms=rooms,
            timing=Timing(backoff_first=0.01, backoff_longest=0.1),
            on_event=self._event,
            on_begin=self._begin,
            on_frame=self._frame,
        )

    @property
    def on(self) -> bool:
        """Whether it is connected and subscribed."""
        return self.client.socket is not None

    async def switch_on(self) -> None:
        """Connect, and go on from where it was."""
        await self.client.start()

    async def switch_off(self) -> None:
        """Cut the line; what was being loaded is begun again the next time."""
        await self.client.stop()
        for room, load in list(self._loads.items()):
            load.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await load
            self.client.positions.pop(room, None)
        self._waiting.clear()

    async def given_up(self, timeout_s: float) -> str | None:
        """Wait until the server has closed it for good; why."""
        with contextlib.suppress(GivenUp):
            await self.client.until(lambda: self.client.gave_up is not None, timeout_s, "closed for good")
        ending, self.client.gave_up = self.client.gave_up, None
        assert ending is not None
        return ending.why

    async def reach(self, heads: dict[str, int], timeout_s: float) -> None:
        """Wait until exactly these rooms are shown, each as of its head."""

        def there() -> bool:
            shown = {room: held.position for room, held in self.state.rooms.items()}
            return not self._loads and shown == heads

        await self.client.until(there, timeout_s, f"{heads}, at {self._shown()}")

    def _shown(self) -> dict[str, int]:
        return {room: held.position for room, held in self.state.rooms.items()}

    def _begin(self, room: str, position: int) -> None:
        self.state.rooms.pop(room, None)
        self._waiting[room] = []
        load = self._loads[room] = asyncio.create_task(self._load(room, position))

        def loaded(task: asyncio.Task[None]) -> None:
            if self._loads.get(room) is task:
                del self._loads[room]
            self.client.wake()

        load.add_done_callback(loaded)

    async def _load(self, room: str, position: int) -> None:
        """The room by REST, while events of it are coming in; those after `position` are then applied."""
        try:
            loaded = (await ClientState.from_rest(self.rest, room)).rooms[room]
        except Problem:  # taken out again meanwhile: `unsubscribed` says so
            return
        if self._loads.get(room) is not asyncio.current_task() or room not in self.client.positions:
            return
        self.state.rooms[room] = RoomState(loaded.room, position, loaded.members, loaded.messages)
        for event in self._waiting.pop(room, []):
            self.state.apply(event)

    def _event(self, event: Json) -> None:
        waiting = self._waiting.get(event["room"])
        if waiting is not None:
            waiting.append(event)
        else:
            self.state.apply(event)

    def _frame(self, frame: Json) -> None:
        for room in self.state.rooms.keys() - self.client.positions.keys():
            del self.state.rooms[room]
        for room in self._waiting.keys() - self.client.positions.keys():
            del self._waiting[room]
        self._on_frame(frame)
