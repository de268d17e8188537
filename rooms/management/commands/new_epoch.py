"""`manage.py new_epoch`: to be run once after a back-up was restored."""

from typing import Any

from django.core.management.base import BaseCommand

from rooms.selectors import new_epoch


class Command(BaseCommand):
    """See `help`."""

    help = (
        "Change the epoch after restoring a back-up: clients then load their rooms anew instead of resuming."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the new epoch; workers notice within HUB_CHECK_S and close their sockets with 1012."""
        self.stdout.write(f"The epoch is now {new_epoch()}.")
