"""What the hub knows of an authenticated socket, and how a message for its person reaches it."""

from typing import Any, Protocol
from uuid import UUID

from rooms.selectors import Place


class Stranger(Protocol):
    """What the hub knows of a socket before it is authenticated."""

    def restart(self, detail: str) -> None:
        """Answer what is under way and close with 1012: the client reconnects and resumes."""


class Connection(Stranger, Protocol):
    """What the hub knows of an authenticated socket."""

    user_id: UUID
    credential_id: UUID
    connection_id: str

    @property
    def api_token(self) -> UUID | None:
        """The API token it came with; None for a person's session."""

    def ended(self, code: str) -> None:
        """Its session or API token stands no more, or its user is disabled: close with 4403."""

    def notice(self, frame: str) -> None:
        """Send a notice."""

    def blocks_moved(self) -> None:
        """Somebody blocks the user now, or no more, or the user somebody."""

    @property
    def follows_memberships(self) -> bool:
        """Whether it is subscribed to all of its user's rooms."""

    def memberships_moved(self) -> None:
        """The user's memberships may have changed: look at them."""

    def memberships_are(self, found: list[Place]) -> None:
        """The user's memberships as the database had them just now."""


def tell(connection: Connection, kind: str, message: dict[str, Any]) -> None:
    """A message of the bus for one person, to one of their sockets."""
    if kind == "user.memberships":
        connection.memberships_moved()
    elif kind == "user.blocks":
        connection.blocks_moved()
    elif kind == "user.notice":
        if message.get("but") != connection.connection_id:
            connection.notice(str(message["frame"]))
    elif kind == "user.ended":
        named = message["credentials"]  # None: whatever they came with
        if named is None or connection.credential_id in {UUID(credential) for credential in named}:
            connection.ended(str(message["code"]))
