#!/usr/bin/env python3
"""The one entry to this checkout: `python3 dev.py run`, `python3 dev.py test`. Standard library only."""

import sys

# Before any other import: what follows does not even parse on an old Python.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit("Parley needs Python 3.11 or newer, and this is Python %d.%d." % tuple(sys.version_info[:2]))  # noqa: UP031

from devtools.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
