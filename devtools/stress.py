"""`dev.py stress`: the stress run that checks itself, which lives with the tests of faults."""

import tempfile

from devtools.environment import PYTHON, check_environ
from devtools.processes import call


def stress(arguments: list[str]) -> int:
    """Run it with these arguments; `--help` lists them. 1 when anything was lost, leaked or not given back."""
    with tempfile.TemporaryDirectory(prefix="parley-stress-") as folder:
        return call([PYTHON, "-m", "tests.faults.stress", *arguments], check_environ(folder))
