"""Rooms, their members, bans and logs, for operators."""

from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path

from common.paging import read_int
from common.read_only import ReadOnlyAdmin
from rooms import services
from rooms.access import known_id
from rooms.models import Ban, LogEntry, Membership, Room

LOG_PAGE = 100


@admin.register(Room)
class RoomAdmin(ReadOnlyAdmin):
    list_display = (
        "__str__",
        "kind",
        "member_count",
        "last_seq",
        "created_at",
        "last_event_at",
        "deleted_at",
    )
    list_filter = ("kind", ("deleted_at", admin.EmptyFieldListFilter))
    search_fields = ("search_key",)
    search_ids: ClassVar = ("pk", "created_by_id")
    search_help_text = "A part of a name or topic, or an id (of a room or of who made it)."
    ordering = ("-id",)
    fields = (
        "id", "kind", "name", "topic", "avatar", "created_by", "created_at", "member_count", "slow_mode_s", "first_seq",
        "last_seq", "last_event_at", "direct_low", "direct_high", "deleted_at",
    )  # fmt: skip
    actions = ("delete_rooms",)

    @admin.action(description="Delete: end it for everybody who is in it", permissions=["operate"])
    def delete_rooms(self, request: HttpRequest, rows: QuerySet[Room]) -> None:
        def act(room: Room) -> bool:
            if room.deleted_at is None:
                services.delete_room_as_operator(room_id=room.id)
            return room.deleted_at is None

        self.each(request, rows, act, "Deleted")

    def get_urls(self) -> list[Any]:
        log_view = self.admin_site.admin_view(self.log_view)
        return [path("<str:room_id>/log/", log_view, name="rooms_room_log"), *super().get_urls()]

    def log_view(self, request: HttpRequest, room_id: str) -> HttpResponse:
        """A page of the room's log, the newest entries first: facts and ids, as they are kept."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        room = Room.objects.filter(pk=known_id(room_id)).first()
        if room is None:
            raise Http404
        entries = LogEntry.objects.filter(room=room).order_by("-seq")
        before = read_int(request.GET, "before")
        found = list((entries if before is None else entries.filter(seq__lt=before))[: LOG_PAGE + 1])
        context = {
            **self.admin_site.each_context(request),
            "title": f"Log of {room}",
            "room": room,
            "opts": self.opts,
            "entries": found[:LOG_PAGE],
            "before": found[LOG_PAGE - 1].seq if len(found) > LOG_PAGE else None,
        }
        return TemplateResponse(request, "admin/rooms/room/log.html", context)


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    list_display = ("user", "room", "role", "muted_until", "joined_at", "left_seq")
    list_filter = ("role", ("left_seq", admin.EmptyFieldListFilter))
    list_select_related = ("user", "room")
    search_ids: ClassVar = ("room_id", "user_id")
    search_fields = ("user__search_text",)
    search_help_text = "A part of a person's name, or an id (of a room or a person)."
    ordering = ("-id",)
    fields = (
        "user", "room", "role", "muted_until", "joined_at", "joined_seq", "left_seq", "last_read_seq", "notifications",
        "favourite",
    )  # fmt: skip


@admin.register(Ban)
class BanAdmin(ReadOnlyAdmin):
    list_display = ("user", "room", "reason", "until", "created_at", "created_by")
    list_select_related = ("user", "room", "created_by")
    search_ids: ClassVar = ("room_id", "user_id")
    search_fields = ("user__search_text",)
    search_help_text = "A part of a person's name, or an id (of a room or a person)."
    ordering = ("-id",)
    fields = ("user", "room", "reason", "until", "created_at", "created_by")
