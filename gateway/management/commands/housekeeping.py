"""`manage.py housekeeping`: what the workers do by themselves, now and to its end."""

from typing import Any

from django.core.management.base import BaseCommand

from gateway.housekeeping import CHORES


class Command(BaseCommand):
    """See `help`."""

    help = (
        "Tidy up now what the server's processes tidy up by themselves about every hour: purge deleted rooms and "
        "old sessions."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print how many rows each chore deleted."""
        for chore in CHORES:
            self.stdout.write(f"{chore.__name__}: {sum(chore())} rows")
