"""`python -m bench.load`: a plan as JSON on standard input, what was found as JSON on standard output."""

import gc
import sys
from collections.abc import Coroutine
from typing import Any

import msgspec
import uvloop

from bench.load import http, sockets
from bench.load.plan import Found, Http, Plan


def main() -> None:
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    # What is kept is kept to the end; looking for cycles in it would be most of the client's time.
    gc.disable()
    playing: Coroutine[Any, Any, Found] = (
        http.play(plan) if isinstance(plan.load, Http) else sockets.play(plan)
    )
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(playing)))
    sys.stdout.flush()


main()
