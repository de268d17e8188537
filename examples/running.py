"""The command line of the examples: where the server is, and one line where it is not."""

import argparse
import asyncio
import os
import sys
import urllib.error
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from examples.client import Refused


def server_url() -> str:
    """PARLEY_URL, else where `dev.py run` serves by PORT."""
    port = os.environ.get("PORT") or "8000"
    return (os.environ.get("PARLEY_URL") or f"http://127.0.0.1:{port}").rstrip("/")


def run(about: str | None, play: Callable[..., Coroutine[Any, Any, None]], more: Sequence[str] = ()) -> None:
    """Play it against the URL of the command line, else `server_url()`; with `more`, arguments after it.

    Exits with one line where nothing answers there, or where the server says no.
    """
    parser = argparse.ArgumentParser(
        description=about,
        epilog="The URL is PARLEY_URL if none is given, else http://127.0.0.1:8000, or of another PORT.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("url", nargs="?", default=server_url(), metavar="URL")
    for name in more:
        parser.add_argument(name, nargs="?", metavar=name.upper())
    given = parser.parse_args()
    if not given.url.startswith(("http://", "https://")):
        parser.error(f"{given.url} is no http(s) URL")
    extra = [value for name in more if (value := getattr(given, name)) is not None]
    if 0 < len(extra) < len(more):
        parser.error(f"of {' '.join(more)} all or none")
    try:
        asyncio.run(play(given.url, *extra))
    except urllib.error.URLError as error:
        sys.exit(f"Nothing answers at {given.url} ({error.reason}). Start the server: python3 dev.py run")
    except Refused as error:
        sys.exit(f"{given.url}: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
