"""Everything that writes messages, read positions, and what one sets for oneself in a room."""

from messaging.services.editing import delete_message, delete_message_as_operator, edit_message
from messaging.services.reading import Read, mark_read
from messaging.services.sending import Sent, send_messages
from messaging.services.settings import open_direct_room, update_my_settings

__all__ = [
    "Read",
    "Sent",
    "delete_message",
    "delete_message_as_operator",
    "edit_message",
    "mark_read",
    "open_direct_room",
    "send_messages",
    "update_my_settings",
]
