"""The bodies that this app's calls take. Unknown fields of a body are ignored."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType


class SendMessageBody(msgspec.Struct, frozen=True):
    """`POST rooms/{id}/messages/`, as the socket's `message.send`."""

    client_id: str
    body: str
    reply_to: str | None = None
    thread: str | None = None
    attachments: list[str] | None = None
    metadata: dict[str, Any] | None = None


class EditMessageBody(msgspec.Struct, frozen=True):
    """`PATCH rooms/{id}/messages/{message_id}/`, as the socket's `message.edit`."""

    body: str


class ReadBody(msgspec.Struct, frozen=True):
    """`POST rooms/{id}/read/`. Above the head is the head; never back unless `force`."""

    seq: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    force: bool | None = None


class UpdateMySettingsBody(msgspec.Struct, frozen=True):
    """`PATCH rooms/{id}/me/`: what is absent stays. `hidden` is for direct rooms alone."""

    notifications: (
        Annotated[str, Meta(extra_json_schema={"enum": ["all", "mentions", "none"]})] | UnsetType
    ) = UNSET
    favourite: bool | UnsetType = UNSET
    hidden: bool | UnsetType = UNSET
