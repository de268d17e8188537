"""People, their sessions and bots' tokens, for operators."""

from typing import ClassVar
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.bots import revoke_token
from accounts.disabling import disable_user, enable_user
from accounts.models import ApiToken, Session, User
from accounts.sessions import end_session
from common.errors import Forbidden
from common.read_only import ReadOnlyAdmin


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    list_display = ("username", "display_name", "email", "is_bot", "is_active", "created_at", "deleted_at")
    list_filter = ("is_active", "is_bot", "is_staff", ("deleted_at", admin.EmptyFieldListFilter))
    search_fields = ("search_text", "email_key")
    search_ids: ClassVar = ("pk", "owner_id")
    search_help_text = (
        "A part of a name or of an e-mail address, or an id (of a person, or of a bot's owner)."
    )
    ordering = ("-id",)
    fields = (
        "id", "username", "display_name", "email", "bio", "avatar", "is_bot", "owner", "is_active", "is_staff",
        "is_superuser", "created_at", "last_login", "deleted_at",
    )  # fmt: skip
    actions = ("disable", "enable")

    @admin.action(
        description="Disable: close all their sockets, let nobody in as them", permissions=["operate"]
    )
    def disable(self, request: HttpRequest, rows: QuerySet[User]) -> None:
        def act(user: User) -> bool:
            _refuse_peers(request, user)
            return disable_user(user_id=user.id)

        self.each(request, rows, act, "Disabled")

    @admin.action(description="Enable: let them in again", permissions=["operate"])
    def enable(self, request: HttpRequest, rows: QuerySet[User]) -> None:
        def act(user: User) -> bool:
            _refuse_peers(request, user)
            return enable_user(user_id=user.id)

        self.each(request, rows, act, "Enabled")


def _refuse_peers(request: HttpRequest, user: User) -> None:
    """Nobody locks themselves out, and only a superuser does it to other operators."""
    operator = request.user
    assert isinstance(operator, User)
    if user.pk == operator.pk or (user.is_staff and not operator.is_superuser):
        raise Forbidden


@admin.register(Session)
class SessionAdmin(ReadOnlyAdmin):
    list_display = ("user", "device", "created_at", "last_seen_at", "refresh_expires_at", "ended_at")
    list_filter = (("ended_at", admin.EmptyFieldListFilter),)
    list_select_related = ("user",)
    search_fields = ("user__search_text",)
    search_ids: ClassVar = ("pk", "user_id")
    search_help_text = "A part of a person's name, or an id (of a session or a person)."
    ordering = ("-id",)
    fields = (
        "id",
        "user",
        "device",
        "created_at",
        "last_seen_at",
        "issued_at",
        "refresh_expires_at",
        "ended_at",
    )
    actions = ("end",)

    @admin.action(description="End: refuse its tokens, close its sockets", permissions=["operate"])
    def end(self, request: HttpRequest, rows: QuerySet[Session]) -> None:
        self.each(request, rows, lambda row: row.stands and _ended(row.user_id, row.id), "Ended")


def _ended(user_id: UUID, session_id: UUID) -> bool:
    end_session(user_id=user_id, session_id=str(session_id))
    return True


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    list_display = ("bot", "name", "scopes", "created_at", "last_used_at", "expires_at", "revoked_at")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    list_select_related = ("bot",)
    search_fields = ("bot__search_text",)
    search_ids: ClassVar = ("pk", "bot_id", "bot__owner_id")
    search_help_text = "A part of a bot's name, or an id (of a token, a bot or its owner)."
    ordering = ("-id",)
    fields = ("id", "bot", "name", "scopes", "created_at", "last_used_at", "expires_at", "revoked_at")
    actions = ("revoke",)

    @admin.action(description="Revoke: refuse it, close its sockets", permissions=["operate"])
    def revoke(self, request: HttpRequest, rows: QuerySet[ApiToken]) -> None:
        self.each(request, rows, lambda row: row.revoked_at is None and _revoked(row), "Revoked")


def _revoked(token: ApiToken) -> bool:
    assert token.bot.owner_id is not None
    revoke_token(owner_id=token.bot.owner_id, bot_id=str(token.bot_id), token_id=str(token.id))
    return True
