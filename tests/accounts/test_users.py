"""Profiles, and the selectors other apps read people and sessions with."""

from uuid import UUID

import msgspec
import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection

from accounts import payloads, selectors, services
from accounts.models import User
from common.errors import NotFound
from common.ids import new_id
from realtime import objects
from tests.api import PASSWORD

OWN = {"id", "username", "display_name", "avatar", "bio", "is_bot", "deleted", "email", "created_at"}
PUBLIC = OWN - {"email", "created_at"}


def test_my_profile_shows_what_only_i_see(api, ada):
    answer = api.get("users/me/", ada.access)
    assert set(answer.body) == OWN
    assert answer.body["email"] == "ada@example.com"


def test_the_profile_of_others_is_public_and_no_more(api, ada, bob):
    answer = api.get(f"users/{ada.user.id}/", bob.access)
    assert answer.status == 200
    assert set(answer.body) == PUBLIC
    assert (answer.body["username"], answer.body["display_name"]) == ("ada", "Ada Lovelace")


def test_a_deleted_user_is_still_found_and_says_so(api, ada, bob):
    User.objects.filter(pk=ada.user.pk).update(deleted_at=ada.user.created_at, is_active=False)
    assert api.get(f"users/{ada.user.id}/", bob.access).body["deleted"] is True


@pytest.mark.parametrize(
    "spelt",
    [
        "{}",
        "x",
        "1",
        "-1",
        "null",
        "%00",
        "019aa5e2-7d3c-7a41-9c1b-2f60c35e8d11",
        "UPPER",
        "BARE",
        "é",
        "x" * 300,
    ],
)
def test_an_id_that_is_none_is_not_found(api, ada, spelt):
    text = {"UPPER": str(ada.user.id).upper(), "BARE": ada.user.id.hex}.get(spelt, spelt)
    answer = api.get(f"users/{text}/", ada.access)
    assert (answer.status, answer.code) == (404, "not_found")


def test_users_come_in_the_order_asked_once_and_unknown_ids_are_left_out(api, ada, bob):
    asked = [bob.user.id, new_id(), ada.user.id, "nonsense", bob.user.id, ""]
    answer = api.get(f"users/?ids={','.join(map(str, asked))}", ada.access)
    assert answer.status == 200
    assert set(answer.body) == {"results", "next_cursor"}
    assert answer.body["next_cursor"] is None
    assert [user["username"] for user in answer.body["results"]] == ["bob", "ada"]
    assert all(set(user) == PUBLIC for user in answer.body["results"])


def test_ids_may_be_given_one_by_one(api, ada, bob):
    answer = api.get(f"users/?ids={bob.user.id}&ids={new_id()}&ids={ada.user.id},{bob.user.id}", ada.access)
    assert [user["username"] for user in answer.body["results"]] == ["bob", "ada"]
    many = "&".join(f"ids={new_id()}" for _ in range(101))
    assert api.get(f"users/?{many}", ada.access).attrs == {"ids"}


def test_a_hundred_ids_are_one_query_and_one_more_is_invalid(api, ada, statements):
    hundred = ",".join([str(ada.user.id), *(str(new_id()) for _ in range(99))])
    assert len(statements(lambda: api.get(f"users/?ids={hundred}", ada.access))) == 2
    assert len(api.get(f"users/?ids={hundred}", ada.access).body["results"]) == 1
    answer = api.get(f"users/?ids={hundred},{new_id()}", ada.access)
    assert (answer.status, answer.code, answer.attrs) == (400, "invalid", {"ids"})


def test_users_without_ids_are_invalid(api, ada):
    answer = api.get("users/", ada.access)
    assert (answer.status, answer.code, answer.attrs) == (400, "invalid", {"ids"})


def test_ids_with_nul_or_endless_are_unknown_ids(api, ada):
    for text in ("%00", "x" * 5_000, "%ED%A0%80", "%F0%9F%98%80"):
        assert api.get(f"users/?ids={text}", ada.access).body["results"] == []


@pytest.mark.parametrize("path", ["users/me/", "users/", "users/019aa5e2-7d3c-7a41-9c1b-2f60c35e8d11/"])
def test_profiles_need_a_token(api, db, path):
    assert api.get(path).code == "not_authenticated"


def test_the_session_of_an_answer_knows_whether_it_asks(ada):
    assert payloads.session_of(ada.session, ada.session.id).current is True
    assert payloads.session_of(ada.session, new_id()).current is False
    assert payloads.session_of(ada.session, None).current is False


def test_an_author_is_the_public_profile_without_the_bio(ada):
    author = msgspec.to_builtins(payloads.author_of(ada.user))
    profile = msgspec.to_builtins(payloads.profile_of(ada.user))
    assert author == {name: value for name, value in profile.items() if name != "bio"}
    assert isinstance(payloads.own_profile_of(ada.user), objects.OwnUser)


def test_credentials_end_with_their_session_and_their_user_each_with_its_code(ada, bob, statements):
    eve = services.register(username="eve", password=PASSWORD)
    phone = services.log_in(username="ada", password=PASSWORD)
    services.log_out(session_id=ada.session.id)
    User.objects.filter(pk=bob.user.pk).update(is_active=False)
    unknown = new_id()
    asked = [opened.session.id for opened in (ada, bob, eve, phone)] + [unknown]
    found: list[dict[UUID, str]] = []
    run = statements(lambda: found.append(selectors.ended_credentials(asked)))
    assert found == [
        {ada.session.id: "session_ended", bob.session.id: "user_disabled", unknown: "session_ended"}
    ]
    assert len(run) == 1


class Counter:
    def __init__(self):
        self.statements = 0

    def __call__(self, execute, sql, params, many, context):
        self.statements += 1
        return execute(sql, params, many, context)


def test_the_credentials_of_a_full_process_are_one_query(ada):
    with connection.execute_wrapper(counter := Counter()):
        unknown = [new_id() for _ in range(40_000)]
        assert selectors.ended_credentials([*unknown, ada.session.id]).keys() == set(unknown)
        assert selectors.ended_credentials([]) == {}
    assert counter.statements == 1


def test_looking_up_nobody_finds_nobody(db):
    assert selectors.users_by_ids([]) == []
    with pytest.raises(NotFound):
        selectors.user_by_id(new_id())


def test_a_superuser_is_made_by_the_command_and_logs_in(api, db, monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", username="Grace", interactive=False)
    assert User.objects.get().is_superuser
    answer = api.post("auth/token/", {"username": "grace", "password": PASSWORD})
    assert answer.status == 200


@pytest.mark.parametrize("field", ["username_key", "email_key"])
def test_the_database_itself_refuses_twins(ada, bob, field):
    with pytest.raises(IntegrityError):
        User.objects.filter(pk=bob.user.pk).update(**{field: getattr(ada.user, field)})
