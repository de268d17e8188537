"""People and bots, their sessions and tokens, and whom they block."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Now

from common import clock, ids, text
from common.fields import MadeField

SEARCH_NAME_MAX_CHARS = 200


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

    `username_look` is null in rows of a release that did not know it; `search_text` is both names, folded.
    `owner` is the person a bot belongs to; a person has none.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    username = models.CharField(max_length=64, unique=True)
    username_key = models.CharField(max_length=128, unique=True, editable=False)
    username_look = MadeField(
        max_length=256, null=True, unique=True, make=lambda user: text.username_look(user.username)
    )
    email = models.EmailField(null=True, blank=True)  # noqa: DJ001  null is "none given", unlike ""
    email_key = models.CharField(max_length=254, null=True, unique=True, editable=False)  # noqa: DJ001
    display_name = models.CharField(max_length=100)
    avatar = models.CharField(max_length=300, blank=True, default="")
    bio = models.CharField(max_length=500, blank=True, default="")
    search_text = MadeField(
        max_length=400, db_default="", make=lambda user: _search_text(user.username, user.display_name)
    )
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
        indexes: ClassVar = [
            # All that a search reads, so that it need not read the rows it does not find.
            models.Index(
                fields=["search_text", "id"],
                condition=models.Q(is_active=True, deleted_at=None),
                name="user_search",
            ),
        ]

    def __str__(self) -> str:
        return self.username

    @property
    def stands(self) -> bool:
        """Whether they may come in: neither disabled nor deleted."""
        return self.is_active and self.deleted_at is None

    @property
    def payer_id(self) -> UUID:
        """On whom counts what they do: the owner of a bot, so that bots multiply nobody's limits."""
        return self.id if self.owner_id is None else self.owner_id

    def erase(self, at: datetime) -> None:
        """Mark as deleted, with nothing left that says who it was; saving and telling the sockets is the service's.

        The user name becomes one that nobody can register (it is too long), so the old one is free again.
        """
        self.is_active = False
        self.deleted_at = at
        self.username = self.username_key = f"deleted-{self.id.hex}"
        self.email = self.email_key = None
        self.display_name = self.avatar = self.bio = ""
        self.set_unusable_password()


def _search_text(username: str, display_name: str) -> str:
    """It begins with the user name, so that no two are the same and they are in the order of that.

    The display name is cut: folding can make 18 characters of one, and an index has no room for that.
    """
    return f"{text.fold(username)} {text.fold(display_name)[:SEARCH_NAME_MAX_CHARS]}"


class Session(models.Model):
    """One log-in. It decides on every request; tokens only name it.

    The identifiers and times of the newest token pair are kept so that the same pair can be signed
    again (a lost answer, a second tab): no token is ever stored. `used_refresh` maps the `jti` of
    each refresh token used in the grace period to the time of its first use, in seconds since 1970, and of
    each that was voided (sessions.py) to the negative time of that.
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
            models.Index(fields=["user", "id"], condition=models.Q(ended_at=None), name="session_mine"),
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
