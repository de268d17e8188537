"""Rooms, who is in them, and their log of numbered events."""

from typing import ClassVar
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from common import clock, ids


class Kind(models.TextChoices):
    PUBLIC = "public"
    PRIVATE = "private"
    DIRECT = "direct"


class Role(models.TextChoices):
    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"

    @property
    def rank(self) -> int:
        """Who acts on whom: nobody on an equal or higher rank."""
        return _RANKS[self.value]

    @property
    def moderates(self) -> bool:
        """Whether it may act on other people's membership and messages at all."""
        return self.rank > 0


_RANKS = {"member": 0, "admin": 1, "owner": 2}


class Notifications(models.TextChoices):
    ALL = "all"
    MENTIONS = "mentions"
    NONE = "none"


class Room(models.Model):
    """A room, and the head of its log: `last_seq` is the number of its newest event.

    Whoever writes anything of a room locks its row first (rooms/log.py). `search_key` is name and topic, folded
    as what is searched for (common.text.fold).
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    kind = models.CharField(max_length=7, choices=Kind.choices)
    name = models.CharField(max_length=100, blank=True, default="")
    topic = models.CharField(max_length=500, blank=True, default="")
    search_key = models.TextField(default="", db_default="", editable=False)
    avatar = models.CharField(max_length=300, blank=True, default="")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=clock.now)
    client_id = models.CharField(max_length=64, null=True)  # noqa: DJ001  null: sent without one
    draft_hash = models.CharField(max_length=64, blank=True, default="")
    last_seq = models.BigIntegerField(default=0)
    first_seq = models.BigIntegerField(default=1)
    changed_seq = models.BigIntegerField(default=0)
    last_event_at = models.DateTimeField(default=clock.now)
    member_count = models.IntegerField(default=0)
    slow_mode_s = models.IntegerField(default=0)
    direct_low = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    direct_high = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="room_kind"),
            models.CheckConstraint(condition=Q(member_count__gte=0), name="room_member_count"),
            models.CheckConstraint(condition=Q(slow_mode_s__gte=0), name="room_slow_mode"),
            models.CheckConstraint(
                condition=Q(last_seq__gte=F("first_seq") - 1, changed_seq__lte=F("last_seq")),
                name="room_seq",
            ),
            models.CheckConstraint(
                # `<` alone would let nulls pass: to a constraint, unknown is as good as true.
                condition=Q(
                    kind=Kind.DIRECT,
                    direct_low__isnull=False,
                    direct_high__isnull=False,
                    direct_low__lt=F("direct_high"),
                )
                | (~Q(kind=Kind.DIRECT) & Q(direct_low=None, direct_high=None)),
                name="room_direct_pair",
            ),
            models.UniqueConstraint(fields=["direct_low", "direct_high"], name="room_one_per_pair"),
            models.UniqueConstraint(fields=["created_by", "client_id"], name="room_client_id"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["id"], condition=Q(kind="public", deleted_at=None), name="room_public"),
            models.Index(fields=["deleted_at"], condition=Q(deleted_at__isnull=False), name="room_deleted"),
        ]

    def __str__(self) -> str:
        return self.name or str(self.id)

    @property
    def pair(self) -> tuple[UUID, ...]:
        """The two people of a direct room, nobody of another."""
        if self.direct_low_id is None or self.direct_high_id is None:
            return ()
        return self.direct_low_id, self.direct_high_id


class Membership(models.Model):
    """A person in a room; kept after leaving, with the state as it was just before.

    `left_seq` is null while they are in. `joined_seq` is the number of their latest
    `member.joined`, where a subscription to all rooms starts. `hidden_seq`, in a direct room alone, hides
    it from the list of mine until a message above that number; `last_sent_at` is what slow mode counts from.
    """

    room = models.ForeignKey(Room, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=6, choices=Role.choices, default=Role.MEMBER)
    muted_until = models.DateTimeField(null=True, blank=True)
    joined_at = models.DateTimeField(default=clock.now)
    joined_seq = models.BigIntegerField()
    changed_seq = models.BigIntegerField()
    left_seq = models.BigIntegerField(null=True, blank=True)
    last_read_seq = models.BigIntegerField(default=0)
    notifications = models.CharField(max_length=8, choices=Notifications.choices, default=Notifications.ALL)
    favourite = models.BooleanField(default=False)
    hidden_seq = models.BigIntegerField(null=True, blank=True)
    last_sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["room", "user"], name="membership_once"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="membership_role"),
            models.CheckConstraint(
                condition=Q(notifications__in=Notifications.values), name="membership_notifications"
            ),
            models.CheckConstraint(
                condition=Q(left_seq=None) | Q(left_seq__gt=F("joined_seq")), name="membership_left_after"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["user", "room"], condition=Q(left_seq=None), name="membership_mine"),
            models.Index(fields=["room", "id"], condition=Q(left_seq=None), name="membership_present"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.room_id}"


class Ban(models.Model):
    """Who may not come in (again); `until` null is for ever, one that has passed bans nobody."""

    room = models.ForeignKey(Room, models.CASCADE, related_name="bans", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    reason = models.CharField(max_length=500, blank=True, default="")
    until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["room", "user"], name="ban_once")]
        indexes: ClassVar = [models.Index(fields=["room", "id"], name="ban_newest")]

    def __str__(self) -> str:
        return f"{self.user_id} banned from {self.room_id}"


class LogEntry(models.Model):
    """One numbered event: facts and ids, never bodies. Insert-only; nothing refers to it by key.

    `subject` is the message or the user that the event is about; `data` holds the little that is
    not read from it (the reason of a leaving).
    """

    pk = models.CompositePrimaryKey("room_id", "seq")
    room = models.ForeignKey(Room, models.CASCADE, related_name="+", db_index=False)
    seq = models.BigIntegerField()
    type = models.CharField(max_length=24)
    at = models.DateTimeField()
    actor_id = models.UUIDField(null=True)
    subject_id = models.UUIDField(null=True)
    data = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.room_id} {self.seq} {self.type}"


class Epoch(models.Model):
    """The word that changes when the database is restored from a back-up. At most one row."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    word = models.CharField(max_length=36)

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=Q(id=1), name="epoch_once")]

    def __str__(self) -> str:
        return self.word
