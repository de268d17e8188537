"""The table of settings in docs/operations.md, made from backend/settings.py.

`python3 devtools/settings_table.py` writes it, with `--check` it only compares (exit code 1 when stale). The meaning of
a setting is its comment there: at the end of its line, or right above it. WORDS has those that need more than
a comment holds, or have none.
"""

import ast
import difflib
import io
import re
import sys
import tokenize
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = ROOT / "backend" / "settings.py"
PAGE = ROOT / "docs" / "operations.md"
BEGIN = "<!-- settings: made by `python3 devtools/settings_table.py`, do not edit -->"
END = "<!-- end of settings -->"

WORDS = {
    "DEBUG": "for development: documents on, readable logs, no HTTPS demanded; localhost, `*.local` and private addresses may call and be called",
    "SECRET_KEY": "**required**; a random text of at least 50 characters, the same on every worker; tokens are signed with it",
    "SECRET_KEY_FALLBACKS": "earlier ones: messages that were sent under them are still known when they are sent again",
    "ALLOWED_HOSTS": "**required** unless DEBUG, which adds localhost, `*.local` and private addresses; the host names clients reach Parley by",
    "ALLOWED_ORIGINS": "web pages that may call, for CORS and the socket alike, as `https://app.example.com`",
    "DATABASE_URL": "`postgres://user:password@host:5432/name`, or `sqlite:////path/db.sqlite3`",
    "REDIS_URL": "`redis://host:6379/0`, for the channel layer and the cache; empty: both in memory, for one worker alone",
    "DATABASE_CONNECT_S": "to open a connection to PostgreSQL",
    "CHANNEL_LAYER": "the class of the channel layer; the first default is with `REDIS_URL`, the second without",
    "REDIS_PREFIX": "of all names in Redis, to share one among installations",
    "FORWARDED_ALLOW_IPS": "addresses and networks of the proxies whose `X-Forwarded-For` is believed, by commas",
    "HOST": "address `serve` listens on; `0.0.0.0` is all of them",
    "PORT": "port `serve` listens on",
    "WORKERS": "processes of `serve`; more than one needs PostgreSQL and Redis",
    "DOCS_ENABLED": "serves `/api/docs/`, `/api/redoc/` and `/api/schema/`",
    "LOG_LEVEL": "`DEBUG`, `INFO`, `WARNING` or `ERROR`",
    "LOG_JSON": "one JSON object a line, else lines for people",
    "SECURE_SSL_REDIRECT": "answers plain HTTP with a redirect, but for `/healthz` and `/readyz`",
    "SECURE_HSTS_SECONDS": "Strict-Transport-Security; 0 sends none",
    "BEHIND_TLS_PROXY": "believes the proxy's `X-Forwarded-Proto`; only where every request comes through that proxy",
    "ACCESS_TOKEN_S": "life of an access token",
    "REFRESH_TOKEN_S": "life of a refresh token; each refresh begins it anew",
    "JWT_SIGNING_KEY": "key of the tokens; empty: derived from `SECRET_KEY`. Another one ends every session",
}

_UNITS = {
    "_PER_S": "a second",
    "_PER_MINUTE": "a minute",
    "_S": "s",
    "_SECONDS": "s",
    "_BYTES": "bytes",
    "_CHARS": "characters",
}
_KINDS = {"bool": "on/off", "int": "number", "float": "number", "str": "text", "list": "list, by commas"}
_SECTION = re.compile(r"# --- (.+?) -+$")


class Setting(NamedTuple):
    """A variable of the environment that the settings read; `defaults` as one would write them there."""

    section: str
    name: str
    kind: str
    defaults: tuple[str, ...]
    comment: str


def read_settings(source: str) -> list[Setting]:
    """Every `env.<kind>("NAME", default)` of a settings file, in its order, each name once."""
    lines = source.splitlines()
    comments = {
        token.start[0]: token.string
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    found: dict[str, Setting] = {}
    for kind, call in sorted(_reads(source), key=lambda found: found[1].lineno):
        name = str(ast.literal_eval(call.args[0]))
        default = _default(call)
        if name in found:
            found[name] = found[name]._replace(defaults=(*found[name].defaults, default))
            continue
        above = [match for line in lines[: call.lineno] if (match := _SECTION.match(line))]
        section = above[-1].group(1) if above else ""
        comment = _comment(call.lineno, lines, comments)
        found[name] = Setting(section, name, kind, (default,), comment)
    return list(found.values())


def _reads(source: str) -> Iterator[tuple[str, ast.Call]]:
    """Every call `env.<kind>(…)` with its kind."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="env"), attr=kind)):
                yield kind, node


def _default(call: ast.Call) -> str:
    given = call.args[1] if len(call.args) > 1 else next(k.value for k in call.keywords if k.arg == "default")
    off, on = (_written(given, debug=debug) for debug in (False, True))
    return off if off == on else f"{off} (with DEBUG: {on})"


def _written(expression: ast.expr, *, debug: bool) -> str:
    """The value of a default as text for the environment. It is code of ours, of literals and two names."""
    program = compile(ast.Expression(expression), str(SETTINGS), "eval")
    value = eval(program, {"__builtins__": {}}, {"DEBUG": debug, "BASE_DIR": "/<this folder>"})  # noqa: S307
    if value in ("", []):
        return "empty"
    if isinstance(value, bool):
        value = int(value)
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _comment(line: int, lines: Sequence[str], comments: dict[int, str]) -> str:
    """The comment at the end of a line (counted from 1), else the whole lines of comment right above it."""
    if line in comments:
        return comments[line].lstrip("# ")
    said: list[str] = []
    while (line := line - 1) in comments and lines[line - 1].lstrip().startswith("#"):
        said.insert(0, lines[line - 1].lstrip("# "))
    return " ".join(said)


def meaning(setting: Setting) -> str:
    """What the table says of a setting; empty where nobody has said anything."""
    return WORDS.get(setting.name) or setting.comment


def table(settings: Sequence[Setting]) -> str:
    """Markdown: a table a section of the settings file."""
    return "\n".join(_lines(settings)) + "\n"


def _lines(settings: Sequence[Setting]) -> Iterator[str]:
    section = None
    for setting in settings:
        if setting.section != section:
            section = setting.section
            yield from (
                "",
                f"**{section}**",
                "",
                "| variable | default | unit | meaning |",
                "|---|---|---|---|",
            )
        unit = next(
            (unit for end, unit in _UNITS.items() if setting.name.endswith(end)), _KINDS[setting.kind]
        )
        yield f"| `{setting.name}` | {' or '.join(setting.defaults)} | {unit} | {meaning(setting)} |"


def page(old: str, settings: Sequence[Setting]) -> str:
    """The page with its table renewed; ValueError where it lacks one of the two marks."""
    before, begin, rest = old.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} lacks its marks: {BEGIN} … {END}")
    return f"{before}{BEGIN}\n{table(settings)}\n{END}{after}"


def main(arguments: Sequence[str]) -> int:
    """Write the table, or with `--check` compare it: exit code 1 when it is stale or a setting has no meaning."""
    settings = read_settings(SETTINGS.read_text())
    silent = [setting.name for setting in settings if not meaning(setting)]
    if silent:
        print(
            f"Nothing says what these are for: {', '.join(silent)}. Give them a comment in {SETTINGS.name}."
        )
        return 1
    old = PAGE.read_text()
    new = page(old, settings)
    if list(arguments) == ["--check"]:
        difference = difflib.unified_diff(
            old.splitlines(), new.splitlines(), PAGE.name, "as it should be", lineterm=""
        )
        for line in difference:
            print(line)
        if old != new:
            print(f"{PAGE.relative_to(ROOT)} is stale. Run: python3 devtools/settings_table.py")
        return int(old != new)
    PAGE.write_text(new)
    print(f"wrote {PAGE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
