"""Edits, deletions and sends at once: one order, the log's, and the state is what the last of them made."""

import random
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from django.db import connections

from accounts import services
from common.errors import MessageDeleted
from messaging.drafts import check_draft
from messaging.events import read_events
from messaging.models import Message, MessageEdit
from messaging.services import Sent, delete_message, edit_message, send_messages
from rooms.models import LogEntry
from rooms.services import create_room
from tests.api import PASSWORD

WRITERS, EACH, MESSAGES = 6, 40, 8


@pytest.mark.django_db(transaction=True)
def test_edits_deletions_and_sends_raced_leave_one_order() -> None:
    ada = services.register(username="ada", password=PASSWORD).user.id
    room = create_room(creator_id=ada, kind="private", name="story").room

    def send(name: str) -> UUID:
        draft = check_draft(room_id=str(room.id), author_id=ada, client_id=name, body="0")
        [sent] = send_messages([draft])
        assert isinstance(sent, Sent)
        return sent.message.id

    messages = [str(send(f"{n}")) for n in range(MESSAGES)]

    def write(writer: int) -> list[tuple[int, UUID, str]]:
        """What was answered: `changed_seq`, message, body."""
        chance = random.Random(writer)
        told = []
        try:
            for number in range(EACH):
                where = {"user_id": ada, "room_id": str(room.id), "message_id": chance.choice(messages)}
                kind = chance.choices(("edit", "delete", "send"), (12, 1, 3))[0]
                if kind == "send":
                    send(f"{writer}-{number}")
                    continue
                try:
                    if kind == "edit":
                        changed = edit_message(**where, payer_id=ada, body=f"{writer}-{number}")
                    else:
                        changed = delete_message(**where)
                except MessageDeleted:
                    continue
                told.append((changed.changed_seq, changed.id, changed.body))
            return told
        finally:
            connections.close_all()

    with ThreadPoolExecutor(WRITERS) as threads:
        told = sorted({change for changes in threads.map(write, range(WRITERS)) for change in changes})
    log = list(
        LogEntry.objects.filter(room_id=room.id).order_by("seq").values_list("seq", "type", "subject_id")
    )
    assert [seq for seq, *_ in log] == list(range(1, len(log) + 1))
    changes = [(seq, key) for seq, kind, key in log if kind in ("message.updated", "message.deleted")]
    assert [(seq, key) for seq, key, _ in told] == changes
    for message in Message.objects.filter(room_id=room.id):
        own = [(seq, kind) for seq, kind, key in log if key == message.id]
        kinds = [kind for _, kind in own]
        gone = kinds[-1] == "message.deleted"
        assert message.changed_seq == own[-1][0]
        assert (message.deleted_at is not None) == gone
        assert kinds == ["message.created"] + ["message.updated"] * (len(kinds) - 1 - gone) + (
            ["message.deleted"] if gone else []
        )
        bodies = ["0"] + [body for _, key, body in told if key == message.id]
        assert message.body == bodies[-1]
        kept = MessageEdit.objects.filter(message=message).order_by("id").values_list("body", flat=True)
        assert list(kept) == ([] if gone else bodies[:-1])
    shown = [event.frame for event in read_events(room.id, 0, len(log), 1_000_000)]
    for _, key, body in told:  # of the many texts only those that stand are in the log
        stands = any(m.body == body for m in Message.objects.filter(id=key))
        assert stands or not any(f'"{body}"' in frame for frame in shown)
