"""A password hasher that counts: how often a password was hashed is what an attacker can time."""

from typing import ClassVar

from django.contrib.auth.hashers import MD5PasswordHasher


class CountingHasher(MD5PasswordHasher):
    """MD5, for speed; `hashed` is how many passwords went through it (comparing one is hashing it)."""

    algorithm = "counted"
    hashed: ClassVar[int] = 0

    def encode(self, password: str, salt: str) -> str:
        CountingHasher.hashed += 1
        return super().encode(password, salt)
