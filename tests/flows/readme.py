"""README.md and docs/ as a reader uses them: the blocks of a section, for the server that runs in the test."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
ADDRESS = "127.0.0.1:8000"
CURL = "Five minutes with curl"
BOT = "A bot in a minute"
BROWSER = "Five minutes in the browser"


def blocks(section: str, language: str, page: str = "README.md") -> list[str]:
    """The code blocks of this language under this heading, in order; never none."""
    text = (ROOT / page).read_text()
    _, heading, rest = text.partition(f"\n## {section}\n")
    assert heading, f"{page} has no section {section!r}"
    own = rest.partition("\n## ")[0]
    found = re.findall(rf"^```{language}\n(.*?)^```$", own, re.MULTILINE | re.DOTALL)
    assert found
    assert all(ADDRESS in block for block in found if "://" in block)
    return found


def with_port(text: str, port: int) -> str:
    """`text` for the server on this port."""
    return text.replace(ADDRESS, f"127.0.0.1:{port}")


def run_in_bash(script: list[str], port: int) -> str:
    """What the blocks print, run one after the other in one shell that ends at the first failure."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", with_port("\n".join(script), port)],
        env={"PATH": "/usr/local/bin:/usr/bin:/bin"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout
