"""How many requests of one payer a process has under way at once; more of them wait for their turn.

A burst that the rate allows is served, one part after the other. Somebody who reads answers slowly makes
others wait for nothing: the turns that their own requests keep are all they get.
"""

import asyncio
from collections.abc import Callable, Hashable
from contextlib import ExitStack
from typing import Any

from django.conf import settings

from common.errors import RateLimited

AFTERWARDS = "parley.afterwards"
"""The key of the ASGI scope with the ExitStack that is closed when the request is over: its answer is with the
transport, or the client is gone, or it failed."""


class _Line:
    """The turns of one payer; `here` counts who has one or waits."""

    def __init__(self) -> None:
        self.turns = asyncio.Semaphore(settings.REQUESTS_AT_ONCE)
        self.here = 0


_lines: dict[Hashable, _Line] = {}  # of each event loop by itself: tests have more than one


async def take_turn(payer: Hashable) -> Callable[[], None]:
    """Wait for one of the REQUESTS_AT_ONCE turns of `payer`; RateLimited after REQUEST_TURN_S.

    What is returned gives it back, and is to be called once.
    """
    key = (asyncio.get_running_loop(), payer)
    line = _lines.setdefault(key, _Line())
    line.here += 1

    def leave() -> None:
        line.here -= 1
        if not line.here:
            del _lines[key]

    try:
        async with asyncio.timeout(settings.REQUEST_TURN_S):
            await line.turns.acquire()
    except TimeoutError:
        leave()
        raise RateLimited("Too many requests at once; read the answers.", retry_after_s=1) from None
    except BaseException:
        leave()
        raise

    def give_back() -> None:
        line.turns.release()
        leave()

    return give_back


def when_over(scope: dict[str, Any] | None, act: Callable[[], None]) -> bool:
    """See that `act` is called when the request of this scope is over; False where nobody would."""
    afterwards = (scope or {}).get(AFTERWARDS)
    if not isinstance(afterwards, ExitStack):
        return False
    afterwards.callback(act)
    return True
