"""`dev.py demo`: a conversation to watch, against the running server (examples/demo.py)."""

import urllib.error
import urllib.request

from devtools.environment import PYTHON, environ
from devtools.processes import DevError, call
from devtools.serve import served_at


def demo(arguments: list[str]) -> int:
    """Play it against the URL given, else where `dev.py run` serves by the environment's HOST and PORT.

    Raises:
        DevError: nothing answers there.
    """
    url = arguments[0] if arguments else served_at()
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=5):  # noqa: S310  the caller's own URL
            pass
    except (urllib.error.URLError, OSError) as error:
        raise DevError(
            f"Nothing answers at {url}. Start it in another terminal: python3 dev.py run"
        ) from error
    return call([PYTHON, "-m", "examples.demo", url], environ())
