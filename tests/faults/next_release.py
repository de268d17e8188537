"""What the migrations of a next release may do, each kind once; done and undone while workers serve.

python manage.py shell -c "from tests.faults.next_release import forwards; forwards()"
"""

from collections.abc import Iterator

from django.apps import apps
from django.contrib.postgres.operations import NotInTransactionMixin
from django.db import connection, migrations, models
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from common.migrations import AddIndexWhileServing, RemoveIndexWhileServing
from messaging.models import Message

INDEX = models.Index(fields=["created_at", "author"], name="next_message_author_at")
# An index of today's is dropped as one of tomorrow's takes its place.
OPERATIONS: list[tuple[str, Operation]] = [
    ("messaging", migrations.AddField("message", "next_note", models.TextField(null=True))),
    ("rooms", migrations.AddField("room", "next_colour", models.CharField(max_length=9, default="", db_default=""))),
    ("rooms", migrations.AddField("membership", "next_count", models.IntegerField(default=0, db_default=0))),
    ("accounts", migrations.CreateModel("NextSticker", [("id", models.BigAutoField(primary_key=True)), ("name", models.TextField())])),
    ("messaging", AddIndexWhileServing("message", INDEX)),
    ("messaging", RemoveIndexWhileServing("message", INDEX.name)),
]  # fmt: skip


def _states() -> Iterator[tuple[str, Operation, ProjectState, ProjectState]]:
    state = ProjectState.from_apps(apps)
    for label, operation in OPERATIONS:
        following = state.clone()
        operation.state_forwards(label, following)
        yield label, operation, state, following
        state = following


def forwards() -> None:
    """As `manage.py migrate` would: each in a transaction, but for the indexes."""
    for label, operation, state, following in _states():
        with connection.schema_editor(atomic=not isinstance(operation, NotInTransactionMixin)) as editor:
            operation.database_forwards(label, editor, state, following)


def backwards() -> None:
    """All of it gone again."""
    for label, operation, state, following in reversed(list(_states())):
        with connection.schema_editor(atomic=not isinstance(operation, NotInTransactionMixin)) as editor:
            operation.database_backwards(label, editor, following, state)


def fill(room_id: str, count: int) -> None:
    """So many messages of the room's creator, as if sent: a table whose index takes its time."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO rooms_logentry (room_id, seq, type, at, actor_id, subject_id, data) "
            "SELECT id, last_seq + n, 'message.created', now(), created_by_id, md5(id::text || n)::uuid, '{}' "
            "FROM rooms_room, generate_series(1, %s) AS n WHERE id = %s",
            [count, room_id],
        )
        cursor.execute(
            f"INSERT INTO {Message._meta.db_table} (id, room_id, seq, changed_seq, client_id, draft_hash, author_id, "
            "body, created_at, mentions, metadata, reply_count, pinned) "
            "SELECT md5(id::text || n)::uuid, id, last_seq + n, last_seq + n, n::text, '', created_by_id, "
            "repeat('x', 100), now(), '[]', '{}', 0, FALSE "
            "FROM rooms_room, generate_series(1, %s) AS n WHERE id = %s",
            [count, room_id],
        )
        cursor.execute("UPDATE rooms_room SET last_seq = last_seq + %s WHERE id = %s", [count, room_id])
