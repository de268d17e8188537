"""An operator locks somebody out, and lets them in again."""

import pytest

from accounts.disabling import disable_user, enable_user
from accounts.models import User
from common.errors import NotFound
from common.ids import new_id
from tests.api import PASSWORD


def test_a_disabled_user_is_refused_everywhere_at_once(api, ada, bob):
    assert disable_user(user_id=ada.user.id) is True
    for answer in (
        ada.get("users/me/"),
        api.post("auth/token/refresh/", {"refresh": ada.refresh}),
        api.post("auth/token/", {"username": "ada", "password": PASSWORD}),
    ):
        assert (answer.status, answer.code) == (401, "user_disabled")
    assert api.post("auth/token/", {"username": "ada", "password": "wrong"}).code == "bad_credentials"
    assert bob.get("users/me/").status == 200
    assert disable_user(user_id=ada.user.id) is False


def test_enabled_again_they_go_on_where_they_were(api, ada):
    disable_user(user_id=ada.user.id)
    assert enable_user(user_id=ada.user.id) is True
    assert ada.get("users/me/").status == 200
    assert api.post("auth/token/refresh/", {"refresh": ada.refresh}).status == 200
    assert enable_user(user_id=ada.user.id) is False


def test_who_is_deleted_or_never_was_is_neither_disabled_nor_enabled(ada):
    User.objects.filter(pk=ada.user.pk).update(deleted_at=ada.user.created_at, is_active=False)
    for user_id in (ada.user.id, new_id()):
        for act in (disable_user, enable_user):
            with pytest.raises(NotFound):
                act(user_id=user_id)
    assert not User.objects.get(pk=ada.user.pk).is_active
