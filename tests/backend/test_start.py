"""A process that is not configured refuses to start and says why in a sentence (FAULTS B36)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KEY = "k3Yd-9fQ_xT7vR2mZp8LwN4sHcJ6bA1eUgXoViKtDyBqSlCn"


def run(*command, **env):
    """`python …` with nothing in its environment but `env`."""
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


STARTS = [("manage.py", "serve"), ("manage.py", "check"), ("-c", "import backend.asgi")]


@pytest.mark.parametrize("command", STARTS, ids=lambda command: command[-1])
def test_nothing_starts_without_a_secret_key(command):
    found = run(*command)
    assert found.returncode != 0
    assert "SECRET_KEY is not set: a random text of at least 50 characters." in found.stderr


@pytest.mark.parametrize("command", STARTS, ids=lambda command: command[-1])
def test_nothing_starts_without_allowed_hosts_unless_debugging(command):
    found = run(*command, SECRET_KEY=KEY)
    assert found.returncode != 0
    assert "ALLOWED_HOSTS is not set: the host names clients reach Parley by." in found.stderr


@pytest.mark.parametrize(
    "short", [{"SECRET_KEY": KEY[:31]}, {"SECRET_KEY": KEY, "JWT_SIGNING_KEY": KEY[:31]}]
)
def test_nothing_starts_with_a_key_that_can_be_guessed_unless_debugging(short):
    start = ("-c", "from backend import settings; print(settings.DEBUG)")
    found = run(*start, ALLOWED_HOSTS="chat.example.com", **short)
    assert found.returncode != 0
    assert f"{list(short)[-1]} is too short: a random text of at least 50 characters." in found.stderr
    assert KEY[:31] not in found.stderr
    assert run(*start, DEBUG="1", **short).stdout == "True\n"


@pytest.mark.parametrize(
    "enough", [{"SECRET_KEY": KEY[:32]}, {"SECRET_KEY": KEY, "JWT_SIGNING_KEY": KEY[:32]}]
)
def test_a_key_of_32_characters_is_taken(enough):
    start = ("-c", "from backend import settings as s; print(len(s.SIMPLE_JWT['SIGNING_KEY']))")
    found = run(*start, ALLOWED_HOSTS="chat.example.com", **enough)
    assert int(found.stdout) in (32, 64), found.stderr


@pytest.mark.parametrize(
    ("env", "why"),
    [
        ({"DATABASE_URL": "sqlite:///made-up.sqlite3", "REDIS_URL": "redis://127.0.0.1:1"}, "SQLite has one writer"),
        ({"DATABASE_URL": "postgres://127.0.0.1:1/none"}, "in memory the workers do not hear each other"),
    ],
)  # fmt: skip
def test_several_workers_need_postgresql_and_redis(env, why):
    for arguments, more in ((["--workers", "2"], {}), ([], {"WORKERS": "2"})):
        found = run("manage.py", "serve", *arguments, SECRET_KEY=KEY, DEBUG="1", **env, **more)
        assert found.returncode == 1
        assert "More than one worker needs" in found.stderr
        assert why in found.stderr


@pytest.mark.slow
def test_production_settings_pass_djangos_deployment_checks():
    found = run(
        "manage.py", "check", "--deploy", "--fail-level", "WARNING",
        SECRET_KEY=KEY + KEY, ALLOWED_HOSTS="chat.example.com",
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    assert "no issues" in found.stdout


def test_the_defaults_are_closed():
    shown = run(
        "-c",
        "from backend import settings as s; print(s.DEBUG, s.DOCS_ENABLED, s.CORS_ALLOWED_ORIGINS, "
        "s.CORS_ALLOWED_ORIGIN_REGEXES, s.CORS_ALLOW_CREDENTIALS, s.WHITENOISE_ALLOW_ALL_ORIGINS, "
        "s.SECURE_SSL_REDIRECT, 'admin' in str(s.INSTALLED_APPS))",
        SECRET_KEY=KEY, ALLOWED_HOSTS="chat.example.com",
    )  # fmt: skip
    assert shown.stdout.split() == ["False", "False", "[]", "[]", "False", "False", "True", "False"]


def test_every_line_of_the_log_is_json_once_in_production():
    found = run(
        "-c",
        "import django; django.setup(); import logging; logging.getLogger('django.template').error('once')",
        SECRET_KEY=KEY, ALLOWED_HOSTS="chat.example.com", DJANGO_SETTINGS_MODULE="backend.settings",
    )  # fmt: skip
    (line,) = found.stderr.splitlines()
    assert json.loads(line)["event"] == "once"


def test_every_line_of_the_log_is_there_once_while_debugging():
    found = run(
        "-c",
        "import django; django.setup(); import logging; logging.getLogger('django.template').error('once')",
        SECRET_KEY=KEY, DEBUG="1", DJANGO_SETTINGS_MODULE="backend.settings",
    )  # fmt: skip
    assert found.stderr.count("once") == 1


LIMITS = {
    "SENDS_PER_S": 20,
    "SENDS_BURST": 100,
    "REQUESTS_PER_S": 50,
    "REQUESTS_BURST": 200,
    "FRAMES_PER_S": 100,
    "FRAMES_BURST": 200,
    "SOCKETS_PER_PERSON": 20,
    "UNKNOWN_SOCKETS_PER_ADDRESS": 100,
    "REGISTRATIONS_PER_MINUTE": 10,
    "REGISTRATIONS_BURST": 20,
    "WRONG_LOGINS_PER_MINUTE": 10,
    "WRONG_LOGINS_FREE": 5,
    "SEARCHES_PER_MINUTE": 60,
    "SEARCHES_BURST": 30,
    "JOINS_PER_ROOM_PER_HOUR": 20,
    "EDITS_PER_MESSAGE": 200,
}


def test_the_limits_are_those_of_the_contract():
    show = f"from backend import settings as s; print([getattr(s, n) for n in {list(LIMITS)}])"
    assert run("-c", show, SECRET_KEY=KEY, DEBUG="1").stdout == f"{list(LIMITS.values())}\n"


@pytest.mark.parametrize(("name", "value"), [("SENDS_PER_S", "0"), ("WRONG_LOGINS_FREE", "-1")])
def test_a_limit_cannot_be_switched_off_by_a_zero(name, value):
    found = run("-c", "import backend.settings", SECRET_KEY=KEY, DEBUG="1", **{name: value})
    assert found.returncode != 0
    assert f"{name} must be at least 1; to allow everything give a large number." in found.stderr


@pytest.mark.parametrize("proxies", ["*", "proxy.internal", "10.0.0.1/8", "10.0.0.1,*"])
def test_proxies_that_are_none_are_not_believed_by_accident(proxies):
    found = run("-c", "import backend.settings", SECRET_KEY=KEY, DEBUG="1", FORWARDED_ALLOW_IPS=proxies)
    assert found.returncode != 0
    assert "FORWARDED_ALLOW_IPS: addresses and networks by commas" in found.stderr
