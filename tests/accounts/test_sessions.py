"""My sessions: listed, ended one by one and all others at once (docs/rest.md)."""

from datetime import timedelta

import pytest

from accounts import services
from accounts.models import Session, User
from accounts.sessions import open_session
from common.errors import BadCredentials
from tests.api import PASSWORD, Person

FIELDS = {"id", "device", "created_at", "last_seen_at", "current"}


def log_in(name: str = "ada", device: str = "") -> Person:
    opened = services.log_in(username=name, password=PASSWORD, device=device)
    return Person(opened.user, opened.session, opened.access, opened.refresh)


def listed(person):
    """The ids of the sessions that a person sees."""
    return [session["id"] for session in person.see("auth/sessions/")["results"]]


def test_my_sessions_are_listed_the_newest_first_and_no_one_elses(ada, bob):
    tablet = log_in(device="tablet")
    seen = tablet.see("auth/sessions/")
    assert seen["next_cursor"] is None
    assert all(set(session) == FIELDS for session in seen["results"])
    assert [(s["id"], s["device"], s["current"]) for s in seen["results"]] == [
        (str(tablet.session.id), "tablet", True),
        (str(ada.session.id), "phone", False),
    ]
    assert [session["current"] for session in ada.see("auth/sessions/")["results"]] == [False, True]
    assert listed(bob) == [str(bob.session.id)]


def test_the_list_is_paged(ada):
    made = [str(ada.session.id), *(str(log_in().session.id) for _ in range(4))]
    pages = ada.pages("auth/sessions/", limit=2)
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [session["id"] for page in pages for session in page] == made[::-1]
    for cursor in ("x", "1", "bnVsbA"):
        assert ada.get(f"auth/sessions/?cursor={cursor}").code == "invalid"


def test_what_has_ended_or_run_out_is_not_listed_nor_found(settings, turned, ada):
    ended = log_in()
    services.log_out(session_id=ended.session.id)
    turned.turn(settings.REFRESH_TOKEN_S - 60)
    late = log_in()
    assert listed(late) == [str(late.session.id), str(ada.session.id)]
    turned.turn(60)
    assert ada.get("auth/sessions/").code == "token_expired"
    assert listed(late) == [str(late.session.id)]
    for gone in (ada, ended):
        assert late.delete(f"auth/sessions/{gone.session.id}/").code == "not_found"


def test_last_seen_moves_when_tokens_are_refreshed_and_not_with_each_request(api, turned, ada):
    before = Session.objects.get().last_seen_at
    turned.turn(60)
    ada.see("users/me/")
    assert Session.objects.get().last_seen_at == before
    assert api.post("auth/token/refresh/", {"refresh": ada.refresh}).status == 200
    [session] = ada.see("auth/sessions/")["results"]
    assert Session.objects.get().last_seen_at == before + timedelta(seconds=60)
    assert session["last_seen_at"] > session["created_at"]


def test_one_session_is_ended_and_its_tokens_are_refused_at_once(api, ada):
    tablet = log_in()
    answer = ada.delete(f"auth/sessions/{tablet.session.id}/")
    assert (answer.status, answer.text) == (204, "")
    assert tablet.get("users/me/").code == "session_ended"
    assert api.post("auth/token/refresh/", {"refresh": tablet.refresh}).code == "session_ended"
    assert listed(ada) == [str(ada.session.id)]
    assert ada.delete(f"auth/sessions/{tablet.session.id}/").code == "not_found"


def test_ending_ones_own_session_is_logging_out(ada):
    assert ada.delete(f"auth/sessions/{ada.session.id}/").status == 204
    assert ada.get("users/me/").code == "session_ended"


def test_anothers_session_is_not_found_and_stays(ada, bob):
    for spelt in (
        str(bob.session.id),
        str(ada.session.id).upper(),
        "x",
        "1",
        "%00",
        "x" * 300,
        ada.session.id.hex,
    ):
        assert ada.delete(f"auth/sessions/{spelt}/").code == "not_found"
    assert bob.get("users/me/").status == ada.get("users/me/").status == 200


def test_all_others_end_and_the_one_that_asks_stays(ada, bob):
    tablet, laptop = log_in(), log_in()
    assert tablet.delete("auth/sessions/").status == 204
    for other in (ada, laptop):
        assert other.get("users/me/").code == "session_ended"
    assert listed(tablet) == [str(tablet.session.id)]
    assert tablet.delete("auth/sessions/").status == 204
    assert bob.get("users/me/").status == 200
    ended = Session.objects.exclude(ended_at=None)
    assert {session.user_id for session in ended} == {ada.user.id}


def test_ending_all_others_costs_the_same_however_many_there_are(statements, ada):
    for count in (1, 40):
        for _ in range(count):
            log_in()
        assert len(statements(lambda: ada.delete("auth/sessions/"))) == 3


def test_no_used_refresh_token_answers_after_all_others_were_ended(api, turned, ada):
    pair = api.post("auth/token/refresh/", {"refresh": ada.refresh}).body
    assert api.post("auth/token/refresh/", {"refresh": ada.refresh}).body == pair
    assert ada.delete("auth/sessions/").status == 204
    for _ in range(3):
        assert api.post("auth/token/refresh/", {"refresh": ada.refresh}).code == "token_invalid"
        turned.turn(60)
        pair = api.post("auth/token/refresh/", {"refresh": pair["refresh"]}).body
    assert api.get("users/me/", pair["access"]).status == 200


def test_one_session_too_many_ends_the_one_not_used_for_longest(api, settings, turned, ada, bob):
    settings.SESSIONS_PER_PERSON = 3
    turned.turn(1)
    second, third = log_in(), log_in()
    turned.turn(1)
    api.post("auth/token/refresh/", {"refresh": ada.refresh})
    fourth = log_in()
    assert second.get("users/me/").code == "session_ended"
    assert listed(fourth) == [str(each.session.id) for each in (fourth, third, ada)]
    settings.SESSIONS_PER_PERSON = 2
    assert listed(last := log_in()) == [str(each.session.id) for each in (last, fourth)]
    assert bob.get("users/me/").status == 200


def test_sessions_that_are_over_do_not_count_as_too_many(settings, turned, ada):
    settings.SESSIONS_PER_PERSON = 2
    log_in().delete("auth/sessions/")
    old = log_in()
    Session.objects.filter(pk=old.session.pk).update(refresh_expires_at=turned.at)
    turned.turn(1)
    log_in()
    assert Session.objects.filter(ended_at=None).count() == 3
    log_in()
    assert Session.objects.filter(ended_at=None, refresh_expires_at__gt=turned.at).count() == 2


def test_no_session_begins_with_a_password_that_was_just_changed(ada):
    known = User.objects.get(pk=ada.user.pk)
    ada.user.set_password("analytical engine no. 2")
    ada.user.save()
    with pytest.raises(BadCredentials):
        open_session(known, "thief")
    assert Session.objects.count() == 1


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("DELETE", ""), ("DELETE", "ID/")])
def test_sessions_need_a_token(api, ada, method, path):
    path = path.replace("ID", str(ada.session.id))
    assert api.call(method, f"auth/sessions/{path}").code == "not_authenticated"
    assert ada.get("users/me/").status == 200
