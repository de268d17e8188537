"""How long one socket may go on: until it must have authenticated, then until its token expires."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import partial

from django.conf import settings

from common import clock
from gateway.outbox import Outbox
from realtime.protocol import SessionExpiring, encode_notice


class Lifetime:
    """Closes the socket with 4401 when its time is over, and gives notice before."""

    def __init__(self, outbox: Outbox, notice: Callable[[str], None]) -> None:
        self._outbox = outbox
        self._notice = notice
        self._timers: list[asyncio.TimerHandle] = []

    def until_auth(self) -> None:
        """It has AUTH_TIMEOUT_S to send a credential."""
        self.stop()
        self._later(settings.AUTH_TIMEOUT_S, self._auth_timeout)

    def until(self, expires_at: datetime | None) -> None:
        """It is authenticated, or renewed, up to that moment; None is for ever.

        Notice is given EXPIRY_NOTICE_S before, or at half of the time where no more than that is left: a client
        that renews when told must not be told at once again by a server whose tokens live so short.
        """
        self.stop()
        if expires_at is not None:
            left_s = max(0.0, (expires_at - clock.now()).total_seconds())
            notice_s = left_s - settings.EXPIRY_NOTICE_S
            self._later(notice_s if notice_s > 0 else left_s / 2, partial(self._expiring, expires_at))
            self._later(left_s, self._expired)

    def stop(self) -> None:
        """Forget what was to come."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _later(self, delay_s: float, act: Callable[[], None]) -> None:
        self._timers.append(asyncio.get_running_loop().call_later(delay_s, act))

    def _expiring(self, expires_at: datetime) -> None:
        self._notice(encode_notice(SessionExpiring(expires_at)))

    def _auth_timeout(self) -> None:
        self._outbox.close(4401, "auth_timeout", "No `auth` frame came in time.")

    def _expired(self) -> None:
        self._outbox.close(4401, "token_expired", "The access token has expired; renew it by `auth` in time.")
