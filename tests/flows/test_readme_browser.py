"""README.md's five minutes in the browser: its snippets pasted into the consoles of two tabs. And those of docs/."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.flows.readme import BROWSER, CURL, blocks, run_in_bash, with_port
from tests.live import LiveServer

CHROMIUM = shutil.which("chromium")
# Without these Chromium itself calls its maker's hosts.
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PATIENCE_S = 15.0

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium (Debian: apt-get install chromium)"),
]


class Tab:
    """A tab at `/` with its console open: `paste` what a person would, `printed` is what it shows."""

    def __init__(self, browser: Browser, port: int) -> None:
        self._port = port
        self.printed: list[str] = []
        self.page = browser.new_page(viewport={"width": 900, "height": 600})
        self.page.on("console", lambda message: self.printed.append(message.text))
        self.page.on("pageerror", lambda error: self.printed.append(f"ERROR {error}"))
        self.page.goto(with_port("http://127.0.0.1:8000/", port))
        self._console = self.page.context.new_cdp_session(self.page)

    def paste(self, snippet: str) -> Any:
        """Its value. As Chromium's console evaluates it: `await` at the top, and names stay for the next paste."""
        answer = self._console.send(
            "Runtime.evaluate",
            {"expression": with_port(snippet, self._port), "replMode": True, "awaitPromise": True},
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def waits_for(self, met: Callable[[], bool]) -> None:
        """Until the console has printed it."""
        deadline = time.monotonic() + PATIENCE_S
        while not met():
            assert time.monotonic() < deadline, self.printed
            self.page.wait_for_timeout(20)

    def shows(self, line: str) -> None:
        self.waits_for(lambda: line in self.printed)


@contextmanager
def browser() -> Iterator[Browser]:
    """Chromium, gone before the database is emptied: Playwright's loop would be in Django's way."""
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)


def test_two_tabs_talk_and_one_comes_back(server: LiveServer, tmp_path: Path) -> None:
    run_in_bash(blocks(CURL, "sh"), server.port)
    first, second, good_ada, good_bob, lose, meanwhile, back = blocks(BROWSER, "js")
    with browser() as chromium:
        ada, bob = Tab(chromium, server.port), Tab(chromium, server.port)
        for tab, snippet in ((ada, first), (bob, second)):
            tab.paste(snippet)
            tab.shows("4 bob: The mill is running.")
            types = [line.split()[0] for line in tab.printed[:5]]
            assert types == ["welcome", "ack", "room.created", "member.joined", "member.joined"]

        ada.paste(good_ada)
        for tab in (ada, bob):
            tab.shows("5 ada: Good morning, Bob.")
        bob.paste(good_bob)
        for tab in (ada, bob):
            tab.shows("6 bob: Good morning, Ada.")

        bob.paste(lose)
        bob.waits_for(lambda: any(line.startswith("closed") for line in bob.printed))
        ada.paste(meanwhile)
        ada.shows("7 ada: Bob? Are you there?")
        assert "7 ada: Bob? Are you there?" not in bob.printed
        bob.paste(back)
        bob.shows("7 ada: Bob? Are you there?")

        for tab in (ada, bob):
            assert [line[0] for line in tab.printed if line[0].isdigit()] == ["4", "5", "6", "7"]
            assert not [line for line in tab.printed if line.startswith("ERROR")]
        shots = Path(os.environ.get("PARLEY_SCREENSHOTS", tmp_path))
        for tab, name in ((ada, "ada"), (bob, "bob")):
            # Headless Chromium has no console to photograph: what it holds is put into the page.
            tab.page.evaluate(
                "lines => { const box = document.createElement('pre'); box.textContent = lines.join('\\n');"
                " box.style.whiteSpace = 'pre-wrap'; document.querySelector('main').append(box) }",
                [f"{name}'s console", *tab.printed],
            )
            tab.page.screenshot(path=shots / f"readme-{name}.png", full_page=True)


ALGORITHM = "The client's algorithm"
# What the page leaves to the application, as little of it as shows what happens.
APPLICATION = """
const logged_in = await (await fetch("/api/v1/auth/token/", {
  method: "POST", headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ username: "bob", password: "difference engine" }),
})).json()
const url = "ws://127.0.0.1:8000/ws/v1/"
let offline = true
const freshToken = async () => { if (offline) { offline = false; throw new Error("offline") } return logged_in.access }
const loadRoom = async (room) => console.log("load", room in position)
const forgetRoom = (room) => console.log("forget")
const changedSeqHeld = (frame) => undefined
const apply = (frame, object) => console.log("apply", frame.seq, frame.type, object?.body ?? "")
const notSent = (outbox, frame) => console.log("refused", frame.code)
class LoggedOut extends Error {}
const logIn = () => console.log("log in")
const giveUp = (why) => console.log("give up", why)
"""
TOKENS = """
const stored = (await (await fetch("/api/v1/auth/token/", {
  method: "POST", headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ username: "bob", password: "difference engine" }),
})).json())
const expired = "x." + btoa(JSON.stringify({ iat: 0, exp: 600 })) + ".x"
const load = () => ({ access: expired, refresh: stored.refresh, at: 0 })
const store = () => console.log("stored")
const logIn = () => console.log("log in")
"""


def test_the_client_of_the_protocol_page_loses_and_repeats_nothing(server: LiveServer) -> None:
    run_in_bash(blocks(CURL, "sh"), server.port)
    (algorithm,) = blocks(ALGORITHM, "js", "docs/protocol.md")
    ada_says = blocks(BROWSER, "js")[0] + 'socket.onopen = () => say("While you were away.")'
    with browser() as chromium:
        bob = Tab(chromium, server.port)
        bob.paste(APPLICATION + algorithm)
        bob.paste("await connect()")
        bob.shows("load false")
        bob.waits_for(lambda: bob.paste("Object.values(position)[0]") == 4)
        bob.paste('const room = Object.keys(position)[0]; say(room, "One")')
        bob.shows("apply 5 message.created One")
        # The line breaks before the answer: what was sent may or may not have arrived, and is sent again.
        bob.paste('say(room, "Two"); socket.close(); say(room, "Three")')
        Tab(chromium, server.port).paste(ada_says)
        bob.waits_for(lambda: bob.printed[-1].startswith("apply 8"))
        bob.waits_for(lambda: bob.paste("outbox.size") == 0)
        numbers = [line.split()[1] for line in bob.printed if line.startswith("apply")]
        assert numbers == ["5", "6", "7", "8"]
        said = {line.split(" ", 3)[3] for line in bob.printed if line.startswith("apply")}
        assert said == {"One", "Two", "Three", "While you were away."}
        bob.paste(
            "await fetch('/api/v1/auth/logout/', { method: 'POST', headers: { Authorization: 'Bearer ' + logged_in.access } })"
        )
        bob.shows("log in")


def test_the_tokens_of_the_rest_page_are_refreshed_once_for_all_who_ask(server: LiveServer) -> None:
    run_in_bash(blocks(CURL, "sh")[:1], server.port)
    (snippet,) = blocks("Logging in and staying logged in", "js", "docs/rest.md")
    with browser() as chromium:
        bob = Tab(chromium, server.port)
        bob.paste(TOKENS + snippet)
        bob.paste("const answers = await Promise.all([freshToken(), freshToken(), freshToken()])")
        bob.paste("console.log('different', new Set(answers).size, answers[0] === await freshToken())")
        bob.shows("different 1 true")
        assert bob.printed.count("stored") == 1


def test_the_snippets_differ_only_in_who_logs_in() -> None:
    first, second, *_ = blocks(BROWSER, "js")
    as_bob = first.replace('"ada"', '"bob"').replace("analytical engine", "difference engine")
    assert as_bob == second
