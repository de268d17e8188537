"""Messages, what they said before they were edited, and whom they mention."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from common import clock, ids
from rooms.models import Room


class Message(models.Model):
    """A message, or what is left of it (`deleted_at`). `seq` is that of its `message.created`.

    `draft_hash` is of the draft as first sent, so that a repetition is told from another message
    after any number of edits; keyed, so that it tells nobody what a deleted message said (messaging/drafts.py).
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    room = models.ForeignKey(Room, models.CASCADE, related_name="+", db_index=False)
    seq = models.BigIntegerField()
    changed_seq = models.BigIntegerField()
    client_id = models.CharField(max_length=64)
    draft_hash = models.CharField(max_length=64)
    # No index of its own: nothing is looked up by author alone, and it would pass for the next one's better.
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    body = models.TextField()
    created_at = models.DateTimeField(default=clock.now)
    edited_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    reply_to_id = models.UUIDField(null=True, blank=True)
    thread_id = models.UUIDField(null=True, blank=True)
    reply_count = models.IntegerField(default=0)
    last_reply_at = models.DateTimeField(null=True, blank=True)
    mentions = models.JSONField(default=list)
    metadata = models.TextField(default="{}")  # JSON, as text: messaging/metadata.py
    pinned = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["room", "seq"], name="message_seq"),
            models.UniqueConstraint(fields=["room", "author", "client_id"], name="message_client_id"),
            models.CheckConstraint(condition=Q(reply_count__gte=0), name="message_reply_count"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["room", "seq"],
                condition=Q(deleted_at=None, thread_id=None),
                name="message_unread",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.room_id} {self.seq}"


class MessageEdit(models.Model):
    """What a message said before one of its edits. Deleted with the message's text."""

    message = models.ForeignKey(Message, models.CASCADE, related_name="edits")
    body = models.TextField()
    written_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.message_id} as of {self.written_at}"


class Mention(models.Model):
    """A message that names a member; what unread mentions are counted from, by `seq`."""

    room = models.ForeignKey(Room, models.CASCADE, related_name="+", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    seq = models.BigIntegerField()
    message = models.ForeignKey(Message, models.CASCADE, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "room", "seq"], name="mention_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.message_id}"
