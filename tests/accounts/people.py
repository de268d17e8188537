"""Where PASSWORD was; it is in tests/api.py."""

from tests.api import PASSWORD

__all__ = ["PASSWORD"]
