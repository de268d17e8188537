"""dev.py: its commands, its set-up and what `run` adds to the environment. Nothing is installed here."""

import stat
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from devtools import checks, cli, environment, generated, serve
from devtools.processes import ROOT, Command, DevError


@pytest.mark.parametrize("arguments", [[], ["fly"], ["--help"]])
def test_an_unknown_command_shows_the_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == 2
    text = capsys.readouterr().err
    assert all(f"python3 dev.py {name}" in text for name in ("run", "test", "openapi", "lock"))


def test_dev_py_hands_on_the_exit_code() -> None:
    done = subprocess.run([sys.executable, ROOT / "dev.py", "fly"], capture_output=True, check=False)
    assert done.returncode == 2


def test_an_old_python_gets_one_sentence() -> None:
    program = (
        "import runpy, sys; sys.version_info = (3, 10, 13); runpy.run_path('dev.py', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == "Parley needs Python 3.11 or newer, and this is Python 3.10.\n"


class Calls:
    """Stands for the commands the set-up runs; those whose words are in `failing` fail."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.failing = ""

    def __call__(self, command: Command, env: Mapping[str, str], *, tick: bool = False) -> int:
        words = " ".join(map(str, command))
        self.seen.append(words)
        return int(bool(self.failing) and self.failing in words)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Calls:
    """A checkout in a temporary folder whose .venv is there, made by somebody else."""
    venv = tmp_path / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    (venv / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages" / "pip.py").touch()
    (tmp_path / "uv.lock").write_text("version = 1\n")
    for name, value in {
        "ROOT": tmp_path,
        "VENV": venv,
        "PYTHON": venv / "bin" / "python",
        "STATE": tmp_path / ".parley",
        "STAMP": venv / "parley-stamp",
    }.items():
        monkeypatch.setattr(environment, name, value)
    calls = Calls()
    monkeypatch.setattr(environment, "call", calls)
    return calls


def test_a_set_up_is_done_once_and_again_after_the_lock_changed(calls: Calls) -> None:
    environment.prepare()
    assert [" install " in calls.seen[0], " sync --frozen --inexact " in calls.seen[1]] == [True, True]
    environment.prepare()
    assert len(calls.seen) == 2
    (environment.VENV.parent / "uv.lock").write_text("version = 2\n")
    environment.prepare()
    assert len(calls.seen) == 4


@pytest.mark.parametrize("failing", ["pip install", "uv sync"])
def test_pip_with_hashes_steps_in_when_uv_fails(calls: Calls, failing: str) -> None:
    calls.failing = failing
    if failing == "pip install":
        with pytest.raises(DevError, match="Neither uv nor pip"):
            environment.prepare()
    else:
        environment.prepare()
    assert "--require-hashes -r" in calls.seen[-1]


def test_an_unfinished_set_up_is_begun_anew(calls: Calls) -> None:
    calls.failing = "install"
    with pytest.raises(DevError):
        environment.prepare()
    assert environment.stamp() == environment.UNFINISHED
    calls.failing, calls.seen = "-m venv", []
    with pytest.raises(DevError, match=r"Could not make \.venv"):
        environment.prepare()
    assert len(calls.seen) == 1


@pytest.mark.parametrize(
    ("found", "answer"),
    [
        (environment.UNFINISHED, False),
        ("CPython 3.10.1 /usr\n/somewhere/.venv\nuv.lock 0\n", False),
        (None, True),
    ],
)
def test_which_venv_is_kept(calls: Calls, found: str | None, answer: bool) -> None:
    assert environment.reusable(found) is answer
    assert environment.reusable(environment.fingerprint()) is True


def test_without_ensurepip_the_message_says_what_to_install(
    calls: Calls, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.STAMP.write_text(environment.UNFINISHED)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DevError, match="apt-get install -y python3-venv"):
        environment.prepare()
    assert calls.seen == []


def test_the_secret_key_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "secret_key"
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(serve.secret_key, [file, file])
    assert first == second == serve.secret_key(file)
    assert len(first) >= 50
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_run_fills_only_what_is_not_set(tmp_path: Path) -> None:
    env = {"PORT": "9000", "HOST": "chat.lan", "DEBUG": "", "REDIS_URL": "redis://cache"}
    added = serve.defaults(env, tmp_path)
    assert added.pop("SECRET_KEY")
    assert added == {
        "DEBUG": "1",
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
        "ALLOWED_HOSTS": "chat.lan",
    }


def test_a_key_of_the_environment_makes_no_file(tmp_path: Path) -> None:
    assert "SECRET_KEY" not in serve.defaults({"SECRET_KEY": "x" * 50, "HOST": "0.0.0.0"}, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_checks_report_in_order_and_name_the_one_that_failed(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    def step(title: str, program: str) -> checks.Step:
        return checks.Step(title, [sys.executable, "-c", program], {"WORD": title})

    say = "import os; print('here is', os.environ['WORD'])"
    steps = [
        step("one", f"import time; time.sleep(0.2); {say}"),
        step("two", say),
        step("three", f"{say}; raise SystemExit(3)"),
        step("four", "import time; time.sleep(60)"),
    ]
    with pytest.raises(DevError, match=r"FAILED: three \(exit code 3"):
        checks._all_at_once(steps, environment.environ())
    printed = capfdbinary.readouterr().out.decode()
    assert [line for line in printed.splitlines() if "ok" not in line] == [
        line for word in ("one", "two", "three") for line in (f"== {word}", f"here is {word}")
    ]


def test_a_stale_file_names_the_command_that_makes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generated, "ROOT", tmp_path)
    (tmp_path / "made.txt").write_text("old\n")
    assert generated._compare(tmp_path / "made.txt", "new\n", "lock") == 1
    assert capsys.readouterr().out.endswith("made.txt is stale. Run: python3 dev.py lock\n")
    assert generated._compare(tmp_path / "made.txt", "old\n", "lock") == 0


def test_tests_beside_each_other_share_no_database_and_no_channels() -> None:
    servers = {
        "DATABASE_URL": "postgres://me:secret@db:5432/parley?sslmode=require",
        "REDIS_URL": "redis://bus",
    }
    first, _, rest, sockets, daphne = checks._test_steps(servers, "sqlite:////another", everything=False)
    assert first.env == {}
    assert daphne.env["DATABASE_URL"] == "sqlite:////another"
    assert rest.env == servers
    assert sockets.env["DATABASE_URL"] == "postgres://me:secret@db:5432/parley_sockets?sslmode=require"
    assert sockets.env["REDIS_PREFIX"]
