"""The bodies that this app's calls take. Unknown fields of a body are ignored."""

from typing import Annotated, Any

import msgspec
from django.conf import settings
from msgspec import UNSET, Meta, UnsetType

from common.meaning import means
from common.text import CLIENT_ID_PATTERN

_BODY = means("The text; not blank.", minLength=1, maxLength=settings.MESSAGE_MAX_CHARS)


class SendMessageBody(msgspec.Struct, frozen=True):
    """`POST rooms/{id}/messages/`, as the socket's `message.send`."""

    client_id: Annotated[
        str, means("Chosen by you: the same again never makes a second message.", pattern=CLIENT_ID_PATTERN)
    ]
    body: Annotated[str, _BODY]
    reply_to: Annotated[str | None, means("The id of a message of the same room.", format="uuid")] = None
    thread: Annotated[str | None, means("Not yet: only null is taken.")] = None
    attachments: Annotated[list[str] | None, means("Not yet: only null and [] are taken.", maxItems=0)] = None
    metadata: Annotated[
        dict[str, Any] | None,
        means(
            f"JSON of your application's own: {settings.METADATA_MAX_BYTES} bytes, {settings.JSON_MAX_DEPTH} levels."
        ),
    ] = None


class EditMessageBody(msgspec.Struct, frozen=True):
    """`PATCH rooms/{id}/messages/{message_id}/`, as the socket's `message.edit`."""

    body: Annotated[str, _BODY]


class ReadBody(msgspec.Struct, frozen=True):
    """`POST rooms/{id}/read/`. Above the head is the head; never back unless `force`."""

    seq: Annotated[int, Meta(ge=0, le=2**63 - 1), means("Everything up to this event is read.")]
    force: Annotated[bool | None, means("Move back, too.")] = None


class UpdateMySettingsBody(msgspec.Struct, frozen=True):
    """`PATCH rooms/{id}/me/`: what is absent stays. `hidden` is for direct rooms alone."""

    notifications: Annotated[
        str | UnsetType, means("What my devices should ring for.", enum=["all", "mentions", "none"])
    ] = UNSET
    favourite: Annotated[bool | UnsetType, means("Mark it.")] = UNSET
    hidden: Annotated[bool | UnsetType, means("Leave it out of my list until its next message.")] = UNSET
