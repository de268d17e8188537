"""Messages, for operators."""

from typing import ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from common.read_only import ReadOnlyAdmin
from messaging.models import Message
from messaging.services import delete_message_as_operator

SHORT = 80  # characters of a text in the list
EDITS_MAX = 50


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "author", "room", "seq", "text", "edited_at", "deleted_at")
    list_filter = (("deleted_at", admin.EmptyFieldListFilter),)
    list_select_related = ("author", "room")
    search_ids: ClassVar = ("pk", "room_id")
    search_fields = search_ids  # nothing else has an index, and there are many
    search_help_text = "An id (of a message or a room)."
    ordering = ("-id",)
    fields = (
        "id", "room", "seq", "changed_seq", "author", "body", "before", "created_at", "edited_at", "deleted_at",
        "reply_to_id", "thread_id", "reply_count", "mentions", "metadata", "pinned", "client_id",
    )  # fmt: skip
    actions = ("delete_messages",)

    @admin.display(description="body")
    def text(self, message: Message) -> str:
        """Its beginning."""
        body = message.body
        return body if len(body) <= SHORT else body[: SHORT - 1] + "…"

    @admin.display(description="before its edits")
    def before(self, message: Message) -> SafeString | str:
        """What it said, the latest text first."""
        edits = message.edits.order_by("-id")[:EDITS_MAX]
        texts = ((f"{edit.written_at:%Y-%m-%d %H:%M:%S}", edit.body) for edit in edits)
        return format_html_join("", "<p>{}: {}</p>", texts) or "-"

    @admin.action(description="Delete: leave the tombstone", permissions=["operate"])
    def delete_messages(self, request: HttpRequest, rows: QuerySet[Message]) -> None:
        def act(message: Message) -> bool:
            if message.deleted_at is None:
                delete_message_as_operator(message_id=message.id)
            return message.deleted_at is None

        self.each(request, rows, act, "Deleted")
