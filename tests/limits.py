"""The limits on persons and addresses while tests run: so wide that none is met by accident.

A test that is about one narrows it by the fixture `narrow`. Servers that tests start as processes get WIDE_ENV.
"""

from common import limits
from common.rates import Rate

WIDE = dict.fromkeys(
    (
        "SENDS_PER_S", "SENDS_BURST", "REQUESTS_PER_S", "REQUESTS_BURST", "FRAMES_PER_S", "FRAMES_BURST",
        "SOCKETS_PER_PERSON", "UNKNOWN_SOCKETS_PER_ADDRESS", "REGISTRATIONS_PER_MINUTE", "REGISTRATIONS_BURST",
        "WRONG_LOGINS_PER_MINUTE", "WRONG_LOGINS_FREE", "SEARCHES_PER_MINUTE", "SEARCHES_BURST",
        "JOINS_PER_ROOM_PER_HOUR",
        "REQUESTS_AT_ONCE", "HANDSHAKES_PER_S", "HANDSHAKES_BURST", "SUBSCRIBED_ROOMS_PER_S", "SUBSCRIBED_ROOMS_BURST", "ROOMS_PER_PERSON",
        "ROOMS_PER_PERSON_BY_OTHERS", "ADDED_PEOPLE_PER_MINUTE", "ADDED_PEOPLE_BURST",
        "BOTS_PER_DAY",
        "LOGINS_PER_MINUTE", "SESSIONS_PER_PERSON", "EMAILS_PER_HOUR",
    ),
    1_000_000,
)  # fmt: skip
WIDE_ENV = {name: str(number) for name, number in WIDE.items()}


def forget_all() -> None:
    """Nobody has taken anything of any limit, as far as this process knows."""
    for limit in vars(limits).values():
        if isinstance(limit, Rate):
            limit.forget()
