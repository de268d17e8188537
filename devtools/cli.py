"""The table of `dev.py`'s commands. A new command is a function and a line here."""

import signal
import sys
from collections.abc import Callable, Sequence

from devtools import bench, checks, demo, environment, generated, serve, stress
from devtools.processes import DevError

COMMANDS: dict[str, tuple[Callable[[list[str]], int], str]] = {
    "run": (serve.run, "serve on SQLite and memory; settings come from the environment"),
    "test": (
        checks.test,
        "every check, then the tests twice; --all adds slow, browser and nginx tests, the rest goes to pytest",
    ),
    "bench": (bench.bench, "measure Parley beside others; --quick is a small run, --help lists the rest"),
    "stress": (
        stress.stress,
        "break what is below while people talk, and check everything; --help lists how",
    ),
    "demo": (demo.demo, "a conversation to watch, against the running server"),
    "openapi": (generated.openapi, "write docs/openapi.yaml; --check only compares"),
    "lock": (generated.lock, "write uv.lock and both requirements files; --check only compares"),
}


def usage() -> str:
    lines = [f"  python3 dev.py {name:<8} {text}" for name, (_, text) in COMMANDS.items()]
    return "\n".join(["usage:", *lines])


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code: 2 for an unknown command, 1 for a failure that was explained."""
    if not arguments or arguments[0] not in COMMANDS:
        print(usage(), file=sys.stderr)
        return 2
    # As an exception, so that every `with` and `finally` on the way out ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        environment.prepare()
        return COMMANDS[arguments[0]][0](list(arguments[1:]))
    except DevError as failure:
        print(failure, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
