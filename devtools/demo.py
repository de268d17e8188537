"""`dev.py demo`: a conversation to watch, against the running server (examples/demo.py)."""

import os
import urllib.error
import urllib.request

from devtools.environment import PYTHON, environ
from devtools.processes import DevError, call
from devtools.serve import served_at


def demo(arguments: list[str]) -> int:
    """Play it against the URL given, else PARLEY_URL, else where `dev.py run` serves by HOST and PORT.

    Raises:
        DevError: nothing answers there.
    """
    if arguments and arguments[0] in ("-h", "--help"):
        return call([PYTHON, "-m", "examples.demo", "--help"], environ())
    url = arguments[0] if arguments else os.environ.get("PARLEY_URL") or served_at()
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=5):  # noqa: S310  the caller's own URL
            pass
    except (urllib.error.URLError, OSError) as error:
        raise DevError(
            f"Nothing answers at {url}. Start it in another terminal: python3 dev.py run"
        ) from error
    return call([PYTHON, "-m", "examples.demo", url], environ())
