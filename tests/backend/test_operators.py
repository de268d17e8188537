"""The admin: off until switched on; for looking, and for a few actions by our services (docs/operations.md)."""

import os
import re
import subprocess
import sys
from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry as Done
from django.test import Client

from accounts.models import ApiToken, Session, User
from common import clock
from devtools.processes import ROOT
from messaging.models import Message
from rooms.models import Ban, LogEntry, Membership, Room
from tests.api import PASSWORD, register

XSS = "<img src=x onerror=alert(1)>"
LISTS = [
    "accounts/user", "accounts/session", "accounts/apitoken", "rooms/room", "rooms/membership", "rooms/ban",
    "messaging/message",
]  # fmt: skip
OPERATOR_PASSWORD = "analytical engine no. 2"


@pytest.fixture
def switched_on(settings):
    """As ADMIN_ENABLED=1 ADMIN_PATH=operators."""
    settings.ADMIN_ENABLED = True
    settings.ADMIN_PATH = "operators/"
    settings.SESSION_COOKIE_PATH = settings.CSRF_COOKIE_PATH = "/operators/"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "backend.operators.OperatorMiddleware"]
    if not admin.site.is_registered(User):
        apps.get_app_config("admin").load()
    settings.ROOT_URLCONF = "tests.backend.urls_with_admin"  # imported now: it takes what is on the site


@pytest.fixture
def page(switched_on, db):
    """`page(path, data)`: what an operator, grace, is answered below the admin's path."""
    User.objects.create_superuser("grace", None, OPERATOR_PASSWORD)
    client = Client()

    def ask(path="", data=None):
        url = f"/operators/{path}"
        return client.get(url, secure=True) if data is None else client.post(url, data, secure=True)

    ask.client = client
    body = {"username": "Grace", "password": OPERATOR_PASSWORD, "next": "/operators/"}
    answer = ask("login/", body)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/operators/")
    return ask


@pytest.fixture
def story(ada, bob):
    """Ada's room with a message, its names and texts full of markup."""
    ada.call("PATCH", "users/me/", {"display_name": XSS, "bio": XSS})
    Session.objects.filter(pk=ada.session.pk).update(device=XSS)
    room = ada.room(bob, name=XSS, topic=XSS)
    message = ada.send(room, XSS)["id"]
    ada.call("PATCH", f"rooms/{room}/messages/{message}/", {"body": XSS + "!"})
    Ban.objects.create(room_id=room, user=register("eve").user, reason=XSS, created_by=ada.user)
    return room, message


def act(page, where, name, *keys):
    return page(f"{where}/", {"action": name, "_selected_action": [str(key) for key in keys]})


def said(page, where):
    """What the operator is told after an action."""
    return re.findall(r'<li class="(\w+)">([^<]*)</li>', page(f"{where}/").content.decode())


# Off and on


def test_off_there_is_nothing_of_it(settings, client, ada):
    settings.ADMIN_ENABLED = False
    for path in ("admin/", "admin/login/", "static/admin/css/base.css"):
        answer = client.get(f"/{path}")
        assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize(
    ("env", "found"),
    [({}, []), ({"ADMIN_ENABLED": "1", "ADMIN_PATH": "/x/y/"}, ["x/y/"])],
    ids=["by default", "on and elsewhere"],
)
def test_a_setting_switches_it_on_where_one_says(env, found):
    code = (
        "import django; django.setup()\n"
        "from django.conf import settings; from django.contrib import admin; from backend.urls import urlpatterns\n"
        "print([str(p.pattern) for p in urlpatterns if getattr(p, 'urlconf_name', None) and 'operator' in "
        "str(p.urlconf_name)], len(admin.site._registry), settings.SESSION_COOKIE_PATH)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "backend.settings"} | env,
        capture_output=True,
        text=True,
        check=True,
    )
    path = found[0] if found else "admin/"
    assert done.stdout.strip() == f"{found} {7 if found else 0} /{path}"


# Who gets in


def test_only_operators_get_in(switched_on, ada):
    client = Client()
    for path in ("", *(f"{where}/" for where in LISTS), "accounts/user/x/change/", "nothing/"):
        answer = client.get(f"/operators/{path}", secure=True)
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/operators/login/")
    for name, password in (
        ("ada", PASSWORD),
        ("ada", "wrong"),
        ("nobody", PASSWORD),
        ("ada", "x\x00"),
        ("x" * 900, "y"),
    ):
        answer = client.post("/operators/login/", {"username": name, "password": password}, secure=True)
        assert answer.status_code == 200
        assert "parley_admin" not in client.cookies
        assert b"errornote" in answer.content


def test_logging_in_is_slowed_like_the_api_and_together_with_it(api, switched_on, narrow, ada):
    narrow(WRONG_LOGINS_FREE=2)
    client = Client()
    assert api.post("auth/token/", {"username": "ada", "password": "wrong"}).code == "bad_credentials"
    for status in (200, 429):
        answer = client.post("/operators/login/", {"username": "ADA", "password": "wrong"}, secure=True)
        assert answer.status_code == status
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}, {"password": "x"}])
def test_who_is_no_operator_any_more_is_out(page, change):
    assert page().status_code == 200
    User.objects.filter(username="grace").update(**change)
    assert page().status_code == 302


def test_staff_see_and_do_what_django_permits_them(page, ada):
    User.objects.filter(username="grace").update(is_superuser=False)
    assert page("accounts/user/").status_code == 403
    grace = User.objects.get(username="grace")
    permission = apps.get_model("auth", "Permission").objects
    grace.user_permissions.add(permission.get(codename="view_user"))
    assert page("accounts/user/").status_code == 200
    act(page, "accounts/user", "disable", ada.id)
    assert User.objects.get(username="ada").is_active
    grace.user_permissions.add(permission.get(codename="change_user"))
    act(page, "accounts/user", "disable", ada.id)
    assert not User.objects.get(username="ada").is_active


# Cookies, forged requests, headers


def test_the_cookies_stay_with_the_admin(page, ada):
    cookies = page.client.cookies
    assert set(cookies) == {"parley_admin", "csrftoken"}
    for name in cookies:
        assert (cookies[name]["path"], cookies[name]["samesite"]) == ("/operators/", "Strict")
    assert cookies["parley_admin"]["httponly"]
    assert timedelta(seconds=cookies["parley_admin"]["max-age"]) == timedelta(hours=8)
    # Sent along all the same, they are not looked at: the API has its tokens.
    answer = page.client.get("/api/v1/users/me/", secure=True)
    assert answer.status_code == 401
    assert not answer.cookies
    assert "Cookie" not in answer.headers.get("Vary", "")


def test_a_forged_request_is_refused(page, ada):
    forged = Client(enforce_csrf_checks=True)
    forged.cookies = page.client.cookies
    data = {"action": "disable", "_selected_action": [ada.id]}
    for more in ({}, {"csrfmiddlewaretoken": "x" * 64}):
        answer = forged.post("/operators/accounts/user/", data | more, secure=True)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    token = forged.cookies["csrftoken"].value
    for referrer, status in (("https://evil.example/", 403), ("https://testserver/operators/", 302)):
        answer = forged.post(
            "/operators/accounts/user/",
            data | {"csrfmiddlewaretoken": token},
            secure=True,
            headers={"Referer": referrer},
        )
        assert answer.status_code == status
    assert not User.objects.get(username="ada").is_active
    assert (
        forged.post(
            "/operators/login/", {"username": "grace", "password": OPERATOR_PASSWORD}, secure=True
        ).status_code
        == 403
    )


def test_pages_are_locked_down_and_the_api_is_as_it_was(page):
    headers = page().headers
    assert "script-src 'self'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "no-store" in headers["Cache-Control"]
    for name, value in (
        ("X-Frame-Options", "DENY"),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "same-origin"),
    ):
        assert headers[name] == value
    api = page.client.get("/api/v1/users/me/", secure=True).headers
    assert api["Content-Security-Policy"].startswith("default-src 'none'; frame-ancestors")


# What is shown


@pytest.mark.parametrize("where", LISTS)
def test_lists_are_searched_filtered_and_never_run_what_people_wrote(page, story, where):
    room, message = story
    ids = {"ada": User.objects.get(username="ada").id, "room": room, "message": message}
    for query in (
        "",
        "q=ada",
        f"q={ids['ada']}",
        f"q={room}",
        f"q={message}",
        "q=%00",
        "q=%25",
        "q=x'",
        "p=2",
        "o=1",
    ):
        answer = page(f"{where}/?{query}")
        assert answer.status_code == 200, query
        text = answer.content.decode()
        assert "<img src=x" not in text
    model = admin.site.get_model_admin(apps.get_model(*where.split("/")))
    for name in model.list_filter:
        if isinstance(name, tuple):
            assert page(f"{where}/?{name[0]}__isempty=1").status_code == 200


@pytest.mark.parametrize("where", LISTS)
def test_an_address_narrows_a_list_by_its_filters_alone(page, story, where):
    """Else whoever may look could ask for any column a letter at a time."""
    model = admin.site.get_model_admin(apps.get_model(*where.split("/")))
    names = [name[0] if isinstance(name, tuple) else name for name in model.list_filter]
    for name in names:
        kinds = ("isempty",) if name.endswith("_at") or name == "left_seq" else ("exact",)
        for kind in kinds:
            assert page(f"{where}/?{name}__{kind}=0").status_code in (200, 302)
    columns = [field.name for field in model.model._meta.get_fields()]
    assert columns
    for name in {*columns, "pk", "user__password", "bot__api_tokens__token_hash", "room__memberships__user"}:
        for how in ("startswith", "regex", "exact", "gt", "in", "isnull", ""):
            query = f"{name}__{how}=x".replace("__=", "=")
            if name in names and how in ("exact", "isnull"):
                continue
            assert page(f"{where}/?{query}").status_code == 400, query


@pytest.mark.parametrize("where", LISTS)
def test_a_row_shows_no_secret_and_can_not_be_changed(page, story, where):
    bot = User.objects.create(
        username="bot", username_key="bot", is_bot=True, owner=User.objects.get(username="ada")
    )
    ApiToken.objects.create(bot=bot, name=XSS, token_hash="5ecret" * 10)
    row = apps.get_model(*where.split("/")).objects.first()
    before = dict(vars(row))
    text = page(f"{where}/{row.pk}/change/").content.decode()
    assert "<img src=x" not in text
    assert "<input" not in re.sub(
        r"<input[^>]*(csrfmiddlewaretoken|nav-filter|type=\"search\")[^>]*>", "", text
    )
    for secret in (
        "5ecret",
        *(
            getattr(row, n)
            for n in ("password", "refresh_jti", "access_jti", "draft_hash")
            if hasattr(row, n)
        ),
    ):
        assert secret not in text
    assert page(f"{where}/{row.pk}/change/", {"username": "x", "body": "x", "name": "x"}).status_code == 403
    assert page(f"{where}/{row.pk}/delete/").status_code == 403
    assert page(f"{where}/{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert page(f"{where}/add/").status_code == 403
    act(page, where, "delete_selected", row.pk)
    after = vars(type(row).objects.get(pk=row.pk))
    assert {n: v for n, v in after.items() if n[0] != "_"} == {n: v for n, v in before.items() if n[0] != "_"}


def test_nothing_else_is_there_to_be_edited(page):
    assert {f"{m._meta.app_label}/{m._meta.model_name}" for m in admin.site._registry} == set(LISTS)
    for path in ("password_change/", "auth/group/", "nothing/"):
        answer = page(path)
        assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")


def test_a_log_is_read_in_pages_the_newest_first(page, story, ada):
    room, _ = story
    for _ in range(100):
        ada.send(room)
    last = Room.objects.get(pk=room).last_seq
    text = page(f"rooms/room/{room}/log/").content.decode()
    seqs = [int(n) for n in re.findall(r"<tr>\s*<td>(\d+)</td>", text)]
    assert seqs == list(range(last, last - 100, -1))
    assert f"?before={seqs[-1]}" in text
    older = page(f"rooms/room/{room}/log/?before={seqs[-1]}").content.decode()
    assert [int(n) for n in re.findall(r"<tr>\s*<td>(\d+)</td>", older)] == list(range(seqs[-1] - 1, 0, -1))
    assert "member.joined" in older
    for path in ("x", "019aa5e2-7d3c-7a41-9c1b-2f60c35e8d11"):
        assert page(f"rooms/room/{path}/log/").status_code == 404
    assert page(f"rooms/room/{room}/log/?before=x").status_code == 400


def test_a_list_costs_the_same_however_many_there_are(page, story, statements, ada, bob):
    room, _ = story
    for where in LISTS:
        page(f"{where}/")
    few = {where: len(statements(lambda where=where: page(f"{where}/"))) for where in LISTS}
    for number in range(12):
        ada.send(room)
        other = register(f"user{number}")
        other.room(bob)
        Ban.objects.create(room_id=room, user=other.user, created_by=bob.user)
    assert {where: len(statements(lambda where=where: page(f"{where}/"))) for where in LISTS} == few


# What is done


def test_a_user_is_disabled_and_enabled_again(page, ada, bob, api):
    act(page, "accounts/user", "disable", ada.id, bob.id)
    assert said(page, "accounts/user") == [("success", "Disabled: 2")]
    assert ada.get("users/me/").code == bob.get("users/me/").code == "user_disabled"
    act(page, "accounts/user", "enable", ada.id)
    assert ada.get("users/me/").status == 200
    act(page, "accounts/user", "enable", ada.id)
    assert said(page, "accounts/user") == [("success", "Enabled: 1"), ("warning", "Enabled: 0")]
    history = Done.objects.order_by("pk").values_list("object_id", "change_message", "user__username")
    assert sorted(history[:2]) == sorted((who.id, "Disabled", "grace") for who in (ada, bob))
    assert list(history[2:]) == [(ada.id, "Enabled", "grace")]


def test_operators_do_not_lock_themselves_out(page):
    act(page, "accounts/user", "disable", User.objects.get(username="grace").pk)
    assert said(page, "accounts/user")[0][0] == "error"
    assert page().status_code == 200


def test_sessions_are_ended(page, ada, bob):
    act(page, "accounts/session", "end", ada.session.id, bob.session.id)
    assert ada.get("users/me/").code == bob.get("users/me/").code == "session_ended"
    act(page, "accounts/session", "end", ada.session.id)
    assert said(page, "accounts/session") == [("success", "Ended: 2"), ("warning", "Ended: 0")]


def test_api_tokens_are_revoked(page, ada, api):
    bot = ada.post("bots/", {"username": "mill-bot"}).body["id"]
    issued = ada.post(f"bots/{bot}/tokens/", {"scopes": ["rooms:read"]}).body
    assert api.get("users/me/", issued["token"]).status == 200
    for _ in range(2):
        act(page, "accounts/apitoken", "revoke", issued["id"])
    assert said(page, "accounts/apitoken") == [("success", "Revoked: 1"), ("warning", "Revoked: 0")]
    assert api.get("users/me/", issued["token"]).code == "session_ended"


def test_a_message_is_deleted_as_by_nobody_who_is_in_the_room(page, story, bob):
    room, message = story
    act(page, "messaging/message", "delete_messages", message)
    assert said(page, "messaging/message") == [("success", "Deleted: 1")]
    [event] = bob.events(room)[-1:]
    assert (event["type"], event["actor"]) == ("message.deleted", None)
    assert event["data"]["message"]["body"] == ""
    assert Message.objects.get(pk=message).deleted_at is not None
    act(page, "messaging/message", "delete_messages", message)
    assert said(page, "messaging/message") == [("warning", "Deleted: 0")]


def test_a_room_is_deleted_as_by_nobody_who_is_in_it(page, story, bob):
    room, _ = story
    act(page, "rooms/room", "delete_rooms", room)
    assert bob.get(f"rooms/{room}/").code == "not_found"
    last = LogEntry.objects.filter(room_id=room).order_by("-seq").first()
    assert (last.type, last.actor_id) == ("room.deleted", None)
    act(page, "rooms/room", "delete_rooms", room)
    assert said(page, "rooms/room") == [("success", "Deleted: 1"), ("warning", "Deleted: 0")]
    assert Membership.objects.filter(room_id=room).exists()  # until it is purged


def test_a_direct_room_is_not_deleted(page, ada, bob):
    room = ada.call("PUT", f"rooms/direct/{bob.id}/").body["id"]
    act(page, "rooms/room", "delete_rooms", room)
    assert [level for level, _ in said(page, "rooms/room")] == ["error", "warning"]
    assert ada.get(f"rooms/{room}/").status == 200


def test_what_is_long_past_is_there_to_be_looked_at(page, story):
    """A session that has ended, a room that is deleted, somebody who has left."""
    Session.objects.update(ended_at=clock.now())
    Room.objects.update(deleted_at=clock.now())
    for where in LISTS:
        row = apps.get_model(*where.split("/")).objects.first()
        if row is not None:
            assert page(f"{where}/{row.pk}/change/").status_code == 200
            assert page(f"{where}/{row.pk}/history/").status_code == 200
