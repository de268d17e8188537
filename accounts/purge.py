"""The end of sessions: rows that let nobody in any more go, a few at a time."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.sessions.models import Session as OperatorSession
from django.db.models import Q, QuerySet

from accounts.models import Session
from common import clock


def purge_old_sessions() -> Iterator[int]:
    """Delete for good what ended, or whose refresh token ran out, SESSION_PURGE_AFTER_S ago, and what of the
    admin's own has run out: at each step at most PURGE_BATCH_ROWS rows, whose number is yielded.

    Whoever still has a token of theirs is told the same as before. Any number of processes may do this at once.
    """
    now = clock.now()
    before = now - timedelta(seconds=settings.SESSION_PURGE_AFTER_S)
    for rows in (
        Session.objects.filter(Q(ended_at__lte=before) | Q(refresh_expires_at__lte=before)),
        OperatorSession.objects.filter(expire_date__lte=now),
    ):
        while (gone := _some(rows)) > 0:
            yield gone


def _some(rows: QuerySet[Any]) -> int:
    # In the order of the key: the oldest are the first, so that no step reads far.
    keys = list(rows.order_by("pk").values_list("pk", flat=True)[: settings.PURGE_BATCH_ROWS])
    rows.filter(pk__in=keys).delete()
    return len(keys)
