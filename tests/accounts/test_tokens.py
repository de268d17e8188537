"""Who gets in: forged, stale and honest tokens."""

import contextlib
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import access, services, tokens
from accounts.models import Session, User
from common.errors import ParleyError, TokenExpired, TokenInvalid
from tests.api import PASSWORD
from tests.forged_tokens import forged, signed


def test_every_forged_token_is_refused_with_its_code(api, ada):
    wrong = []
    for name, token, expected in forged(ada.session, ada.user):
        answer = api.get("users/me/", token)
        if (answer.status, answer.code) != (401, expected):
            wrong.append((name, answer.status, answer.code))
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert wrong == []


def test_the_same_forger_without_a_change_gets_in(api, ada):
    assert api.get("users/me/", signed(ada.session, ada.user)).status == 200


def test_no_forged_token_is_taken_for_a_refresh_token_or_ends_anything(api, ada):
    for name, token, _ in forged(ada.session, ada.user):
        if name == "a refresh token":
            continue  # well signed: tests/accounts/test_refresh.py
        expected = {"expired, of another kind": "token_expired", "500 kB": "too_large"}.get(
            name, "token_invalid"
        )
        assert api.post("auth/token/refresh/", {"refresh": token}).code == expected, name
    assert api.get("users/me/", ada.access).status == 200


def test_reading_a_token_raises_nothing_but_its_two_errors(ada):
    for _, token, _ in forged(ada.session, ada.user):
        for read in (tokens.read_access, tokens.read_refresh):
            try:
                read(token)
            except (TokenExpired, TokenInvalid):
                continue
            except ParleyError as error:
                pytest.fail(f"{error!r}")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
CLAIMS = st.sampled_from(["token_type", "exp", "iat", "nbf", "jti", "sub", "sid", "aud", "iss"])


@given(st.text(st.characters(codec=None)) | st.binary().map(lambda data: data.decode("latin-1")))
def test_any_text_is_refused(text):
    for raw in (text, f"{text}.{text}.{text}"):
        with pytest.raises(TokenInvalid):
            tokens.read_access(raw)


@given(st.dictionaries(CLAIMS, JSON, min_size=1))
def test_any_claims_under_our_signature_are_read_or_refused(changes):
    user = User(username="ada")
    with contextlib.suppress(TokenExpired, TokenInvalid):
        tokens.read_access(signed(Session(user=user), user, **changes))


def test_a_refresh_token_is_no_access_token_and_the_other_way_round(api, ada):
    assert api.get("users/me/", ada.refresh).code == "token_invalid"
    assert api.post("auth/token/refresh/", {"refresh": ada.access}).code == "token_invalid"
    assert api.get("users/me/", ada.access).status == 200


def test_an_access_token_lives_ten_minutes_by_our_clock(api, turned, ada):
    turned.turn(599)
    assert api.get("users/me/", ada.access).status == 200
    turned.turn(1)
    assert api.get("users/me/", ada.access).code == "token_expired"


def test_a_refresh_token_lives_thirty_days_from_the_latest_rotation(api, turned, ada):
    turned.turn(30 * 86_400 - 1)
    rotated = api.post("auth/token/refresh/", {"refresh": ada.refresh}).body
    turned.turn(30 * 86_400)
    assert api.post("auth/token/refresh/", {"refresh": rotated["refresh"]}).code == "token_expired"


def test_a_clock_up_to_five_seconds_ahead_is_tolerated(api, turned, ada):
    turned.turn(-5)
    assert api.get("users/me/", ada.access).status == 200
    turned.turn(-1)
    assert api.get("users/me/", ada.access).code == "token_invalid"


def test_a_pair_signed_again_from_the_row_is_the_same_byte_for_byte(turned, ada):
    turned.turn(17.3)
    again = tokens.pair_of(Session.objects.get(pk=ada.session.pk))
    assert (again.access, again.refresh) == (ada.access, ada.refresh)


def test_no_token_stands_in_the_database(ada):
    row = Session.objects.filter(pk=ada.session.pk).values().get()
    assert not any("eyJ" in str(value) for value in row.values())


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer a b", "bearer\ta", "Bearer a,Bearer b"])
def test_a_torn_header_is_refused(api, db, header):
    assert api.get("users/me/", Authorization=header).code in ("token_invalid", "not_authenticated")


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic YWRhOmFkYQ=="}, {"Authorization": ""}])
def test_no_token_is_not_authenticated(api, db, headers):
    answer = api.get("users/me/", **headers)
    assert (answer.status, answer.code) == (401, "not_authenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


def test_the_scheme_is_read_without_case(api, ada):
    assert api.get("users/me/", Authorization=f"bEaReR {ada.access}").status == 200


def test_a_session_of_somebody_else_is_no_way_in(api, ada, bob):
    assert api.get("users/me/", signed(bob.session, ada.user)).code == "token_invalid"


@pytest.mark.parametrize(
    "fields", [{"is_active": False}, {"is_active": False, "deleted_at": "2026-01-01T00:00Z"}]
)
def test_a_disabled_user_is_refused_at_once(api, ada, fields):
    for name, value in fields.items():
        setattr(ada.user, name, value)
    ada.user.save()
    assert api.get("users/me/", ada.access).code == "user_disabled"
    assert api.post("auth/token/refresh/", {"refresh": ada.refresh}).code == "user_disabled"


def test_an_identity_holds_what_a_socket_needs_and_nothing_of_the_database(turned, ada):
    identity, user = access.identify(ada.access)
    assert user == ada.user
    assert (identity.user_id, identity.session_id) == (ada.user.id, ada.session.id)
    assert identity.expires_at == turned.at.replace(microsecond=0) + timedelta(seconds=600)
    assert identity.user.username == "ada"
    assert identity.session is not None
    assert (identity.session.device, identity.session.current) == ("phone", True)


def test_authenticating_costs_one_query(api, ada, statements):
    assert len(statements(lambda: api.get("users/me/", ada.access))) == 1


def test_a_token_that_is_not_ours_costs_no_query(api, ada, statements):
    table = [token for _, token, expected in forged(ada.session, ada.user) if expected == "token_expired"]
    assert statements(lambda: [api.get("users/me/", token) for token in [*table, "x.y.z", ada.refresh]]) == []


def test_an_old_access_token_on_the_way_does_not_hinder_a_log_in(api, ada):
    body = {"username": "ada", "password": PASSWORD}
    assert api.post("auth/token/", body, token="expired").status == 200


def test_log_out_refuses_both_tokens_at_once_and_other_sessions_stay(api, ada):
    other = services.log_in(username="ada", password=PASSWORD)
    answer = api.post("auth/logout/", token=ada.access)
    assert (answer.status, answer.text) == (204, "")
    assert api.get("users/me/", ada.access).code == "session_ended"
    assert api.post("auth/logout/", token=ada.access).code == "session_ended"
    assert api.post("auth/token/refresh/", {"refresh": ada.refresh}).code == "session_ended"
    assert api.get("users/me/", other.access).status == 200


def test_logging_out_twice_keeps_the_time_of_the_first(turned, ada):
    services.log_out(session_id=ada.session.id)
    first = Session.objects.get(pk=ada.session.pk).ended_at
    turned.turn(60)
    services.log_out(session_id=ada.session.id)
    assert Session.objects.get(pk=ada.session.pk).ended_at == first == turned.at - timedelta(seconds=60)
