"""Everything that writes messages or read positions."""

from messaging.services.editing import delete_message, delete_message_as_operator, edit_message
from messaging.services.reading import Read, mark_read
from messaging.services.sending import Sent, send_messages

__all__ = [
    "Read",
    "Sent",
    "delete_message",
    "delete_message_as_operator",
    "edit_message",
    "mark_read",
    "send_messages",
]
