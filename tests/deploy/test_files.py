"""The Dockerfile, docker-compose.yml and .env.example: valid, locked down, and with nothing left to guess."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from django.conf import settings
from jsonschema import Draft202012Validator

from devtools.settings_table import SETTINGS, read_settings
from gateway.server import server_config
from tests.deploy import image
from tests.deploy.compose import ROOT, Compose, Missing, interpolate, read_env, variables

SECRETS = ("SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD")
REQUIRED = (*SECRETS, "ALLOWED_HOSTS")
ENV = {name: f"{name.lower()}-0123456789-0123456789-0123456789-0123456789" for name in SECRETS} | {
    "ALLOWED_HOSTS": "chat.example.com"
}
OWN = ("web", "migrate")
EXAMPLE = (ROOT / ".env.example").read_text()


@pytest.fixture(scope="module")
def compose() -> Compose:
    return Compose(ENV)


def test_it_is_a_compose_file_by_the_specifications_own_schema(compose: Compose) -> None:
    schema = json.loads((Path(__file__).parent / "compose-spec.json").read_text())
    assert [error.message for error in Draft202012Validator(schema).iter_errors(compose.document)] == []


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("$$HOME ${A}", "$HOME a"),
        ("${B:-x${A}y}!", "xay!"),
        ("${A:-x${B:?why}}", "a"),
        ("${B}${B:-}", ""),
        ("a{1,2} ${A:?why}", "a{1,2} a"),
    ],
)
def test_values_are_put_in_as_compose_does_it(text: str, filled: str) -> None:
    assert interpolate(text, {"A": "a"}) == filled


@pytest.mark.parametrize("name", REQUIRED)
def test_without_what_must_be_given_it_says_so_and_nothing_starts(name: str) -> None:
    for without in (ENV | {name: ""}, {other: value for other, value in ENV.items() if other != name}):
        with pytest.raises(Missing, match=rf"{name} is missing a value: .*see \.env\.example"):
            assert Compose(without).services


def test_the_example_leaves_what_must_be_given_empty_and_knows_no_names_but_real_ones() -> None:
    given = read_env(EXAMPLE)
    assert {name: given[name] for name in REQUIRED} == dict.fromkeys(REQUIRED, "")
    with pytest.raises(Missing):
        assert Compose(given).services
    named = set(re.findall(r"^#?([A-Z_]+)=", EXAMPLE, re.MULTILINE))
    assert named <= variables() | {setting.name for setting in read_settings(SETTINGS.read_text())}


def test_every_variable_of_the_compose_file_is_explained() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    assert [name for name in sorted(variables()) if f"`{name}`" not in page] == []


@pytest.mark.parametrize("name", ["proxy", "web", "migrate", "postgres", "redis"])
def test_each_service_may_do_no_more_than_it_must(compose: Compose, name: str) -> None:
    service = compose.services[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "/tmp" in service["tmpfs"]
    assert not {"privileged", "cap_add", "network_mode", "pid", "logging"} & service.keys()
    assert (name == "proxy") == ("ports" in service)
    if name in OWN:
        assert service["build"] == "."
    else:
        assert service["user"] not in ("root", "0")
        assert re.fullmatch(r"[a-z]+:\d+\.\d+(\.\d+)?-[a-z]+", service["image"])
    if name == "migrate":
        assert service["restart"] == "no"
    else:
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")


def test_only_the_proxy_is_reached_from_outside_and_only_workers_reach_the_stores(compose: Compose) -> None:
    inside = {
        name for name, network in compose.document["networks"].items() if network and network["internal"]
    }
    networks = {name: set(service["networks"]) for name, service in compose.services.items()}
    assert {name for name, on in networks.items() if on - inside} == {"proxy"}
    assert networks["postgres"] == networks["redis"] == {"stores"}
    assert {name for name, on in networks.items() if "stores" in on} == {"postgres", "redis", *OWN}
    # FORWARDED_ALLOW_IPS believes whoever is there.
    assert {name for name, on in networks.items() if "workers" in on} == {"proxy", "web"}
    published = [interpolate(port, {}) for port in compose.services["proxy"]["ports"]]
    assert published == ["127.0.0.1:8080:8080"]


def test_workers_start_once_the_database_is_migrated_and_stop_in_their_own_time(compose: Compose) -> None:
    web = compose.services["web"]
    assert web["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert {web["depends_on"][name]["condition"] for name in ("postgres", "redis")} == {"service_healthy"}
    assert compose.services["migrate"]["command"] == ["python", "manage.py", "migrate", "--noinput"]
    grace_s = int(web["stop_grace_period"].removesuffix("s"))
    assert grace_s >= settings.DRAIN_S + 10
    assert Compose(ENV | {"REPLICAS": "7"}).services["web"]["deploy"]["replicas"] == "7"
    assert "synchronous_commit=on" in compose.services["postgres"]["command"]


def test_the_password_of_redis_is_in_no_command_line(compose: Compose) -> None:
    script = compose.services["redis"]["command"][-1]
    assert "requirepass $REDIS_PASSWORD" in script
    assert ENV["REDIS_PASSWORD"] not in json.dumps(compose.services["redis"]["command"])


def test_nginx_ends_idle_connections_before_a_worker_does_and_repeats_no_post() -> None:
    template = (ROOT / "deploy" / "nginx.conf.template").read_text()
    [idle_s] = re.findall(r"keepalive 64;\s+keepalive_timeout (\d+)s;", template)
    assert int(idle_s) < server_config().timeout_keep_alive
    assert "non_idempotent" not in template


def test_the_image_is_made_of_named_versions_and_runs_as_nobody_special() -> None:
    first, packages, server = image.dockerfile()
    assert {line.instruction for line in (*first, *packages, *server)} <= image.INSTRUCTIONS
    for stage in (packages, server):
        assert re.match(r"python:\d+\.\d+\.\d+-slim-\w+( AS \w+)$", stage[0].rest)
    [install] = [line.rest for line in packages if "install" in line.rest]
    assert "--require-hashes" in install
    assert "--only-binary=:all:" in install
    assert install.endswith("-r requirements.txt")
    instructions = [line.instruction for line in server]
    [user] = [line.rest for line in server if line.instruction == "USER"]
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)
    assert "RUN" not in instructions[instructions.index("USER") :]
    # As lists: a shell in between would keep SIGTERM to itself.
    assert image.command() == ["python", "manage.py", "serve"]
    assert next(line for line in server if line.instruction == "HEALTHCHECK").words[:2] == ["python", "-c"]


def test_every_locked_package_has_a_wheel_for_both_kinds_of_machine() -> None:
    version = "".join(map(str, image.python_version()))
    locked = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    wheels = {(package["name"], package["version"]): package.get("wheels", []) for package in packages}
    assert len(locked) > 20
    for name, number in locked:
        files = [wheel["url"].rsplit("/", 1)[1] for wheel in wheels[name, number]]
        for machine in ("x86_64", "aarch64"):
            fits = re.compile(rf"-(cp{version}-cp{version}|cp3\d+-abi3|py3-none)-manylinux\S+_{machine}\b")
            assert any(file.endswith("-none-any.whl") or fits.search(file) for file in files), (name, machine)


def test_the_image_holds_the_server_and_nothing_else(tmp_path: Path) -> None:
    image.copy_to(tmp_path)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = set(project["tool"]["importlinter"]["root_packages"])
    assert {place.name for place in tmp_path.iterdir()} == packages | {
        "manage.py", "pyproject.toml", "requirements.txt", "LICENSE",
    }  # fmt: skip
    for secret in (
        ".env",
        ".git/config",
        "db.sqlite3",
        ".parley/secret",
        "tests/api.py",
        "rooms/__pycache__/x.pyc",
    ):
        assert image.left_out(secret), secret
    env = Compose(ENV).environment("web") | {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    check = ["manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    done = subprocess.run(
        [sys.executable, *check],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_script_makes_an_env_with_secrets_of_its_own_and_never_a_second_one(tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    shutil.copy(ROOT / "deploy" / "make-env.sh", tmp_path / "deploy")
    shutil.copy(ROOT / ".env.example", tmp_path)
    script = ["sh", str(tmp_path / "deploy" / "make-env.sh")]
    assert subprocess.run(script, capture_output=True, check=False).returncode == 2
    arguments = ["chat.example.com", "https://app.example.com"]
    subprocess.run([*script, *arguments], capture_output=True, check=True)
    made = tmp_path / ".env"
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    env = read_env(made.read_text())
    assert env["ALLOWED_HOSTS"], env["ALLOWED_ORIGINS"] == arguments
    secrets = [env[name] for name in SECRETS]
    assert len(set(secrets)) == 3
    assert all(re.fullmatch(r"[0-9a-f]{64}", secret) for secret in secrets)
    assert Compose(env).services
    again = subprocess.run([*script, *arguments], capture_output=True, text=True, check=False)
    assert again.returncode == 1
    assert "already" in again.stderr
    assert read_env(made.read_text()) == env
