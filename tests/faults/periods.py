"""How long things take that wait: shortened, and as users have them by `python3 dev.py stress --faults`."""

import os

REAL = os.environ.get("PARLEY_REAL_PERIODS") == "1"
# The hub's comparison of its positions with the log, by which a silent loss is found.
HUB_CHECK_S = 20.0 if REAL else 2.0
