"""`manage.py`, where a send is acknowledged before it is committed: what a cure of ours is worth.

python -m tests.faults.hasty serve --port 8001
"""

import contextlib
import importlib
import sys
from collections.abc import Iterator

import django
from django.core.management import execute_from_command_line
from django.db import DatabaseError, connection, transaction


class Hasty:
    """In the place of `django.db.transaction` in the service that stores messages."""

    @staticmethod
    @contextlib.contextmanager
    def atomic() -> Iterator[None]:
        """A transaction of which nobody hears whether it could be committed."""
        try:
            with transaction.atomic():
                yield
        except DatabaseError:
            connection.close()


if __name__ == "__main__":
    django.setup()
    importlib.import_module("messaging.services.sending").transaction = Hasty  # type: ignore[attr-defined]
    execute_from_command_line(["manage.py", *sys.argv[1:]])
