"""People and bots, their sessions and tokens, and whom they block."""

from datetime import datetime
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Now

from common import clock, ids, text


class UserQuery(BaseUserManager["User"]):
    """What `manage.py createsuperuser` calls; people register through the services."""

    def create_superuser(
        self, username: str, email: str | None = None, password: str | None = None, **fields: Any
    ) -> "User":
        user = User(
            username=username,
            username_key=text.username_key(username),
            display_name=username,
            email=email or None,
            email_key=email.casefold() if email else None,
            is_staff=True,
            is_superuser=True,
        )
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser, PermissionsMixin):
    """A person or a bot. `username_key` is what makes two names the same (NFKC, casefold).

    `owner` is the person a bot belongs to; a person has none.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    username = models.CharField(max_length=64, unique=True)
    username_key = models.CharField(max_length=128, unique=True, editable=False)
    email = models.EmailField(null=True, blank=True)  # noqa: DJ001  null is "none given", unlike ""
    email_key = models.CharField(max_length=254, null=True, unique=True, editable=False)  # noqa: DJ001
    display_name = models.CharField(max_length=100)
    avatar = models.CharField(max_length=300, blank=True, default="")
    bio = models.CharField(max_length=500, blank=True, default="")
    is_bot = models.BooleanField(default=False)
    owner = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="bots")
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=clock.now, db_default=Now(), editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[UserQuery] = UserQuery()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(is_bot=False, owner=None) | models.Q(is_bot=True, owner__isnull=False),
                name="user_bot_has_owner",
            ),
        ]

    def __str__(self) -> str:
        return self.username


class Session(models.Model):
    """One log-in. It decides on every request; tokens only name it.

    The identifiers and times of the newest token pair are kept so that the same pair can be signed
    again (a lost answer, a second tab): no token is ever stored. `used_refresh` maps the `jti` of
    each refresh token used in the grace period to the time of its first use, in seconds since 1970.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="sessions")
    device = models.CharField(max_length=100, blank=True, default="")
    created_at = models.DateTimeField(default=clock.now)
    last_seen_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    refresh_jti = models.CharField(max_length=36)
    refresh_expires_at = models.DateTimeField()
    access_jti = models.CharField(max_length=36)
    issued_at = models.DateTimeField()
    used_refresh = models.JSONField(default=dict)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["user"], condition=models.Q(ended_at=None), name="session_standing"),
        ]

    def __str__(self) -> str:
        return f"{self.device or 'session'} {self.id}"

    @property
    def stands(self) -> bool:
        """Whether this session may still be used."""
        return self.ended_at is None

    def end(self, at: datetime) -> None:
        """Mark as ended; saving and telling the sockets is the service's."""
        self.ended_at = at


class ApiToken(models.Model):
    """A bot's long-lived credential. Only its SHA-256 is kept: it is random, so guessing is no danger.

    `scopes` are names of accounts/scopes.py; `expires_at` null is for ever, `revoked_at` null stands.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    bot = models.ForeignKey(User, models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100, blank=True, default="")
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name or 'token'} {self.id}"


class Block(models.Model):
    """`blocker` wants to hear nothing from `blocked`."""

    blocker = models.ForeignKey(User, models.CASCADE, related_name="blocks", db_index=False)
    blocked = models.ForeignKey(User, models.CASCADE, related_name="blocked_by")
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["blocker", "blocked"], name="block_once"),
            models.CheckConstraint(
                condition=~models.Q(blocker=models.F("blocked")), name="block_not_oneself"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.blocker_id} blocks {self.blocked_id}"
