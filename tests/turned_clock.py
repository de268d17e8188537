"""The clock as a test turns it."""

from datetime import datetime, timedelta

from common import clock


class TurnedClock:
    """`common.clock`, standing still until it is turned."""

    def __init__(self) -> None:
        self.at = self._began = clock.now().replace(microsecond=250_000)

    def now(self) -> datetime:
        return self.at

    def seconds(self) -> float:
        return (self.at - self._began).total_seconds()

    def turn(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
