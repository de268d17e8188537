"""The names of all channel-layer groups, made from our own ids alone, never from a client's text."""

from uuid import UUID


def room(room_id: UUID) -> str:
    """Whoever has a subscriber of this room: its events, signals and typing."""
    return f"room.{room_id.hex}"


def user(user_id: UUID) -> str:
    """Whoever has a socket of this person: memberships moved, a session ended."""
    return f"user.{user_id.hex}"


def process(process_id: str) -> str:
    """One process's own heartbeat."""
    return f"process.{process_id}"
