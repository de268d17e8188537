"""The story that all operations are called in."""

import pytest
from django.db import transaction
from django.test import override_settings

from tests.contract.story import Story


@pytest.fixture(scope="module")
def story(django_db_setup, django_db_blocker):
    """The story, once: every test undoes what it does."""
    with django_db_blocker.unblock(), transaction.atomic():
        with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
            yield Story()
        transaction.set_rollback(True)
