"""The limits there are, and on whom: a person and all their bots by the person's id, an address by
common.addresses.source_of.
"""

from django.conf import settings

from common.rates import Rate

SENDS = Rate("sends", lambda: (settings.SENDS_BURST, settings.SENDS_PER_S))
"""Messages and edits a person."""

REQUESTS = Rate("requests", lambda: (settings.REQUESTS_BURST, settings.REQUESTS_PER_S))
"""REST a person; an address for who is not known."""

FRAMES = Rate("frames", lambda: (settings.FRAMES_BURST, settings.FRAMES_PER_S))
"""Frames from a person's sockets; from an address for those not yet authenticated."""

JOINS = Rate("joins", lambda: (settings.JOINS_PER_ROOM_PER_HOUR, settings.JOINS_PER_ROOM_PER_HOUR / 3600))
"""Joinings of a person to a room, by `user:room`."""

ADDED_PEOPLE = Rate(
    "added-people", lambda: (settings.ADDED_PEOPLE_BURST, settings.ADDED_PEOPLE_PER_MINUTE / 60)
)
"""Others whom a person puts into rooms."""

SUBSCRIBED_ROOMS = Rate(
    "subscribed-rooms", lambda: (settings.SUBSCRIBED_ROOMS_BURST, settings.SUBSCRIBED_ROOMS_PER_S)
)
"""Rooms in a person's `subscribe` frames."""

SEARCHES = Rate("searches", lambda: (settings.SEARCHES_BURST, settings.SEARCHES_PER_MINUTE / 60))
"""Searches a person, of public rooms and of people."""

HANDSHAKES = Rate("handshakes", lambda: (settings.HANDSHAKES_BURST, settings.HANDSHAKES_PER_S))
"""Sockets opened by a person; from an address by who brings no person's token."""

REGISTRATIONS = Rate(
    "registrations", lambda: (settings.REGISTRATIONS_BURST, settings.REGISTRATIONS_PER_MINUTE / 60)
)
"""Attempts to register an address."""


def _wrong_logins() -> tuple[int, float]:
    return settings.WRONG_LOGINS_PER_MINUTE, settings.WRONG_LOGINS_PER_MINUTE / 60


WRONG_LOGINS_OF_ADDRESS = Rate("wrong-logins-address", _wrong_logins)
"""Wrong passwords an address, whatever the name."""

WRONG_LOGINS_OF_NAME = Rate("wrong-logins-name", _wrong_logins)
"""Wrong passwords a name, from wherever."""

WRONG_LOGINS = Rate("wrong-logins", lambda: (settings.WRONG_LOGINS_FREE, 1 / settings.WRONG_LOGIN_WAIT_S))
"""Wrong passwords a name and address."""

LOGINS = Rate("logins", lambda: (settings.LOGINS_PER_MINUTE, settings.LOGINS_PER_MINUTE / 60))
"""Right passwords a person, for a log-in or to change it: each is dear to check."""

EMAILS = Rate("emails", lambda: (settings.EMAILS_PER_HOUR, settings.EMAILS_PER_HOUR / 3_600))
"""Other e-mail addresses that a person tries to take: each answer tells whether it is somebody's."""
