"""Finding people by their names."""

import importlib
import time

import pytest
from django.apps import apps
from django.db import connection

from accounts.disabling import disable_user
from accounts.models import User
from common.text import fold, username_key
from tests.api import PASSWORD, register

ENOUGH_S = 0.2  # FAULTS B31


def found(person, search, **query):
    more = "".join(f"&{name}={value}" for name, value in query.items())
    answer = person.call("GET", f"users/?search={search}{more}")
    assert answer.status == 200, answer.text
    return [user["username"] for user in answer.body["results"]]


@pytest.fixture
def team(ada, bob):
    register("Grace", display_name="Grace Hopper")
    register("brad", display_name="Straße_100%")
    register("мария", display_name="Мария Ивановна")
    return ada


@pytest.mark.parametrize(
    ("search", "names"),
    [
        ("ad", ["ada", "brad"]), ("AD", ["ada", "brad"]), ("lovelace", ["ada"]), ("LOVE", ["ada"]), ("elac", ["ada"]),
        ("ada%20lovelace", ["ada"]), ("%20grace", ["Grace"]), ("GRACE", ["Grace"]), ("STRASSE", ["brad"]),
        ("ｈｏｐ", ["Grace"]), ("ИВАН", ["мария"]), ("%25", ["brad"]), ("_", ["brad"]), ("e_1", ["brad"]), ("r%25d", []),
        ("a_a", []), ("nobody", []), ("%5C", []), ("'", []), ("", ["ada", "bob", "brad", "Grace", "мария"]),
        ("%20", ["ada", "bob", "brad", "Grace", "мария"]),
    ],
)  # fmt: skip
def test_people_are_found_by_a_part_of_either_name_whatever_its_case(team, search, names):
    assert found(team, search) == names


def test_what_is_found_is_the_public_profile(team):
    [profile] = team.see("users/?search=hopper")["results"]
    assert set(profile) == {"id", "username", "display_name", "avatar", "bio", "is_bot", "deleted"}


def test_whoever_is_disabled_or_deleted_is_not_found(team, bob):
    grace = User.objects.get(username="Grace")
    disable_user(user_id=grace.id)
    User.objects.filter(pk=bob.user.pk).update(deleted_at=bob.user.created_at)
    assert found(team, "") == ["ada", "brad", "мария"]


def test_a_changed_name_is_found_and_the_old_one_is_not(team):
    team.call("PATCH", "users/me/", {"username": "countess", "display_name": "The Countess"})
    assert found(team, "lovelace") == []
    assert found(team, "the%20count") == ["countess"]


def test_pages_go_on_after_the_last_name(team):
    for number in range(20):
        register(f"user{number:02}")
    pages = team.pages("users/?search=user", limit=7)
    assert [len(page) for page in pages] == [7, 7, 6]
    assert [u["username"] for page in pages for u in page] == [f"user{n:02}" for n in range(20)]


@pytest.mark.parametrize("query", ["", "search=a&ids=x", "cursor=x"])
def test_either_search_or_ids(team, query):
    answer = team.get(f"users/?{query}")
    assert (answer.status, answer.code, answer.attrs) == (400, "invalid", {"ids"})


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("ids={bob}&search=", ["bob"]),
        ("ids=&search=lovelace", ["ada"]),
        ("ids=", []),
        ("ids=&search=&limit=1", ["ada"]),
    ],
)
def test_an_empty_one_beside_the_other_is_not_set(team, bob, query, names):
    results = team.see(f"users/?{query.format(bob=bob.id)}")["results"]
    assert [profile["username"] for profile in results] == names


@pytest.mark.parametrize("text", ["x" * 101, "%00", "a%00b", "x" * 5_000])
def test_what_is_no_text_or_too_long_is_invalid(team, text):
    answer = team.get(f"users/?search={text}")
    assert (answer.status, answer.code, answer.attrs) == (400, "invalid", {"search"})


@pytest.mark.parametrize("text", ["(a%2B)%2B$", "%25" * 100, "a" * 100, "%5C%25" * 50, "_" * 100, "an" * 50])
def test_no_text_takes_long_and_it_costs_three_statements(team, statements, text):
    names = [f"{'an' * 10}{number}" for number in range(3_000)]
    User.objects.bulk_create(
        User(username=n, username_key=username_key(n), display_name=n * 4) for n in names
    )
    began = time.perf_counter()
    assert len(statements(lambda: team.get(f"users/?search={text}"))) <= 3
    assert time.perf_counter() - began < ENOUGH_S


def test_a_search_reads_an_index_in_its_order(team):
    postgres = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        if postgres:
            cursor.execute("SET LOCAL enable_seqscan = off")  # which is quicker for six people
        cursor.execute(
            f"EXPLAIN {'' if postgres else 'QUERY PLAN '}SELECT id, search_text FROM accounts_user "
            "WHERE is_active AND deleted_at IS NULL AND search_text LIKE '%x%' AND search_text > 'a' "
            "ORDER BY search_text LIMIT 51"
        )
        plan = str(cursor.fetchall())
    assert ("Index Only Scan using user_search" if postgres else "USING INDEX user_search") in plan
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan


def test_what_is_searched_in_is_made_however_a_row_is_saved(db):
    users = User.objects.bulk_create([User(username="Grace", username_key="grace", display_name="Ǆ " * 50)])
    row = User.objects.get()
    assert row.search_text == "grace " + fold("Ǆ " * 50)[:200]
    assert row.username_look == users[0].username_look == "grace"
    row.username = "GRΑCE"  # a Greek alpha: nobody gets this past clean_username
    row.save()
    assert User.objects.get().username_look == "grace"


def test_who_registers_as_what_looks_like_somebody_already_exists(api, ada):
    for name in ("ɑdɑ", "аԁа", "ꓮꓓꓮ"):
        answer = api.post("auth/register/", {"username": name, "password": PASSWORD})
        assert (answer.status, answer.code, answer.attrs) == (409, "already_exists", {"username"})


def test_the_migration_makes_both_for_those_who_are_there(db):
    fill = importlib.import_module("accounts.migrations.0003_username_look_search_text").fill
    rows = [User(username=name, username_key=name, display_name="Ada L.") for name in ("ada", "аԁа", "bob")]
    for row in rows:
        row.save()
        User.objects.filter(pk=row.pk).update(username_look=None, search_text="")
    fill(apps, None)
    found = User.objects.order_by("id").values_list("username_look", "search_text")
    assert list(found) == [("ada", "ada ada l."), (None, "аԁа ada l."), ("bob", "bob ada l.")]
