"""How passwords are hashed: dear enough for thieves, bounded for us.

A hash takes 19 MiB and a core for some 20 ms, and anybody may ask for one without an account. So a
process makes PASSWORD_HASHES_AT_ONCE of them at a time, and the rest wait their turn.

They are made in as many threads of their own: 19 MiB are few enough for glibc to keep them for the
thread they were for, and each request is a thread (60 log-ins at once left 430 MB behind).
"""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher

from common.errors import Unavailable

_turns = threading.BoundedSemaphore(settings.PASSWORD_HASHES_AT_ONCE)
_threads = ThreadPoolExecutor(settings.PASSWORD_HASHES_AT_ONCE, thread_name_prefix="hash")
_mine = threading.local()


@contextmanager
def turn() -> Iterator[None]:
    """One of the process's turns to hash; Unavailable after PASSWORD_HASH_WAIT_S without one.

    A thread that has it may ask again. Take it before the first query: who waits with a connection
    to the database keeps it from those who hash nothing.
    """
    if getattr(_mine, "taken", False):
        yield
        return
    if not _turns.acquire(timeout=settings.PASSWORD_HASH_WAIT_S):
        raise Unavailable("Too many log-ins at once; try again.", retry_after_s=1)
    _mine.taken = True
    try:
        yield
    finally:
        _mine.taken = False
        _turns.release()


class PasswordHasher(Argon2PasswordHasher):
    """Argon2id with the least that OWASP's Password Storage Cheat Sheet asks for: 19 MiB, t=2, p=1.

    Django's own (100 MiB, 8 threads) verifies under the same name; such a password is hashed anew
    when its user next logs in.
    """

    memory_cost = 19 * 1024  # KiB
    time_cost = 2
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        """The hash, within a turn."""
        with turn():
            return _threads.submit(super().encode, password, salt).result()

    def verify(self, password: str, encoded: str) -> bool:
        """Whether it is the password, within a turn."""
        with turn():
            return _threads.submit(super().verify, password, encoded).result()
