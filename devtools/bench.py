"""`dev.py bench`: the benchmark, which lives in bench/ and needs what is installed."""

from devtools.environment import PYTHON, environ
from devtools.processes import call


def bench(arguments: list[str]) -> int:
    """Run the benchmark with these arguments; `--help` lists them."""
    return call([PYTHON, "-m", "bench", *arguments], environ())
