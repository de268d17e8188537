"""docs/protocol.md, "The client's algorithm", line by line where the line breaks: against a socket that the test plays.

With the tokens of docs/rest.md, "Logging in and staying logged in", where it is about them.
"""

import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

from tests.flows.readme import blocks

CHROMIUM = shutil.which("chromium")
PLAYED = """
const sockets = [], told = []
class WebSocket {
  constructor(url, protocols) { this.readyState = 1; this.sent = []; this.token = protocols[1]; sockets.push(this) }
  send(text) { this.sent.push(JSON.parse(text)) }
  close(code = 1006) { this.readyState = 3; this.onclose({ code }) }
}
Math.random = () => 0
const url = "", loads = [], changedSeqHeld = () => undefined
const loadRoom = (room) => new Promise((done) => { told.push("load " + room); loads.push(done) })
const forgetRoom = (room) => told.push("forget " + room)
const apply = (frame) => told.push("apply " + frame.seq)
const notSent = () => told.push("refused"), logIn = () => told.push("log in"), giveUp = () => told.push("give up")
"""
TOKEN = """
const freshToken = async () => "token"
class LoggedOut extends Error {}
"""
# Tokens of ten minutes by the server's clock, which the device's is `behind` by: "A" was received `ago` seconds before.
TOKENS = """
let serverMs = Date.UTC(2026, 10, 23), behindMs = %(behind_s)d * 1000, answers = 200, made = 0, refreshes = [], stored
Date.now = () => serverMs - behindMs
const jwt = () => "h." + btoa(JSON.stringify({ iat: serverMs / 1000, exp: serverMs / 1000 + 600, n: ++made })) + ".s"
const named = (token) => "ABCDEFG"[JSON.parse(atob(token.split(".")[1])).n - 1]
const load = () => stored, store = (pair) => { stored = pair }
const fetch = async (url, { body, headers }) => {
  if (!url.endsWith("auth/token/refresh/")) {
    const token = headers.Authorization.slice(7), { exp } = JSON.parse(atob(token.split(".")[1]))
    const code = exp > serverMs / 1000 ? "fine" : "token_expired", status = code === "fine" ? 200 : 401
    return new Response(JSON.stringify({ code, token: named(token) }), { status })
  }
  refreshes.push(JSON.parse(body).refresh)
  return new Response(JSON.stringify({ access: jwt(), refresh: "r" + made }), { status: answers })
}
stored = { access: jwt(), refresh: "r1", at: Date.now() }
serverMs += %(ago_s)d * 1000
"""
DAY_S = 86_400

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium (Debian: apt-get install chromium)"),
]


class Client:
    """The page's own algorithm in a console, and the server's side of its sockets."""

    def __init__(self, page: Any, tokens: str = TOKEN) -> None:
        self._page = page
        self._console = page.context.new_cdp_session(page)
        (algorithm,) = blocks("The client's algorithm", "js", "docs/protocol.md")
        self.run(PLAYED + tokens + algorithm)
        self._sockets = 0

    def run(self, snippet: str) -> Any:
        how = {"replMode": True, "awaitPromise": True, "returnByValue": True}
        answer = self._console.send("Runtime.evaluate", {"expression": snippet, **how})
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def connects(self, epoch: str) -> Any:
        """It opens the next socket and is welcomed; the `subscribe` that it sends then."""
        if not self._sockets:
            self.run("await connect()")
        self._sockets += 1
        self.waits_for(f"sockets.length === {self._sockets}")
        self.gets(type="welcome", epoch=epoch)
        return self.run("socket.sent[0]")

    def gets(self, **frame: Any) -> None:
        self.run(f"socket.onmessage({{ data: {json.dumps(json.dumps(frame))} }})")

    def is_subscribed(self, *rooms: dict[str, Any]) -> None:
        self.gets(
            type="ack", id="all", data={"rooms": [{"resync": None, "already": False, **r} for r in rooms]}
        )

    def gets_event(self, room: str, seq: int) -> None:
        self.gets(type="message.created", room=room, seq=seq, data={"message": {}})

    def loads(self, number: int = -1) -> None:
        self.run(f"loads.at({number})()")

    def breaks(self, code: int = 1006) -> None:
        self.run(f"socket.close({code})")

    @property
    def kept(self) -> Any:
        """What is on its disk."""
        return self.run("({ position: { ...position }, epoch })")

    @property
    def told(self) -> Any:
        return self.run("told")

    def waits_for(self, snippet: str) -> None:
        for _ in range(500):
            if self.run(snippet):
                return
            self._page.wait_for_timeout(10)
        raise AssertionError(snippet)

    @property
    def tokens(self) -> Any:
        """That of each socket it has opened."""
        return self.run('sockets.map(({ token }) => named(token.replace("bearer.", "")))')


def with_tokens(page: Any, *, behind_s: int = 0, ago_s: int = 0) -> Client:
    (tokens,) = blocks("Logging in and staying logged in", "js", "docs/rest.md")
    return Client(page, TOKENS % {"behind_s": behind_s, "ago_s": ago_s} + tokens)


@pytest.fixture
def page() -> Iterator[Any]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield chromium.new_page()
        chromium.close()


@pytest.fixture
def client(page: Any) -> Client:
    return Client(page)


def holding(client: Client) -> None:
    """Room R is loaded up to 41, of epoch E."""
    asked = client.connects("E")
    assert (asked["since"], asked["epoch"]) == ({}, None)
    client.is_subscribed({"room": "R", "seq": 41})
    client.loads()
    assert client.kept == {"position": {"R": 41}, "epoch": "E"}


def test_the_epoch_is_kept_with_the_ack_and_never_goes_with_positions_of_another(client: Client) -> None:
    holding(client)
    client.breaks()
    assert client.connects("F")["epoch"] == "E"
    client.breaks()  # before the ack
    asked = client.connects("F")
    assert (asked["since"], asked["epoch"]) == ({"R": 41}, "E")
    client.is_subscribed({"room": "R", "seq": 7, "resync": "epoch"})
    assert client.kept == {"position": {}, "epoch": "F"}
    client.breaks()  # before it is loaded
    asked = client.connects("F")
    assert (asked["since"], asked["epoch"]) == ({}, "F")


def test_a_position_is_kept_when_the_room_is_loaded_and_is_then_that_of_the_last_event(
    client: Client,
) -> None:
    client.connects("E")
    client.is_subscribed({"room": "R", "seq": 4})
    client.gets_event("R", 5)
    assert client.kept["position"] == {}
    client.breaks()
    assert client.connects("E")["since"] == {}
    client.is_subscribed({"room": "R", "seq": 6})
    client.gets_event("R", 7)
    client.loads()
    assert client.kept["position"] == {"R": 7}
    client.gets_event("R", 8)
    client.breaks()
    assert client.connects("E")["since"] == {"R": 8}
    client.is_subscribed({"room": "R", "seq": 9})
    assert client.told == ["load R", "apply 5", "load R", "apply 7", "apply 8"]


def test_what_an_earlier_socket_was_loading_does_not_hide_a_gap(client: Client) -> None:
    client.connects("E")
    client.is_subscribed({"room": "R", "seq": 4})
    client.breaks()
    client.connects("E")
    client.loads(0)  # between `subscribe` without R and its ack: 5 and 6 will never come
    client.is_subscribed({"room": "R", "seq": 6})
    assert client.kept["position"] == {}
    client.loads(1)
    assert client.kept["position"] == {"R": 6}


def test_only_a_room_that_is_no_longer_mine_is_forgotten(client: Client) -> None:
    client.connects("E")
    client.is_subscribed(*({"room": room, "seq": 1} for room in "ABC"))
    for number in range(3):
        client.loads(number)
    client.breaks()
    client.connects("E")
    codes = {"A": "too_many_rooms", "B": "not_found", "C": "not_a_member"}
    client.gets(
        type="ack", id="all", data={"rooms": [{"room": room, "code": code} for room, code in codes.items()]}
    )
    assert client.kept["position"] == {"A": 1}
    assert client.told[3:] == ["forget B", "forget C"]


def test_a_session_that_expires_is_renewed_on_the_open_socket(client: Client) -> None:
    holding(client)
    client.gets(type="notice", notice="room.added", data={"room": {}})
    client.gets(type="notice", notice="session.expiring", data={"expires_at": "2026-11-23T09:45:55Z"})
    assert client.run("socket.sent.at(-1)") == {"type": "auth", "token": "token"}
    client.gets(type="ack", id=None, data={})
    assert client.kept == {"position": {"R": 41}, "epoch": "E"}
    client.breaks()
    assert client.connects("E")["since"] == {"R": 41}


@pytest.mark.parametrize(
    ("code", "why", "then"),
    [
        (1003, "unsupported_type", "give up"),
        (1009, "too_large", "give up"),
        (1000, "too_large", "give up"),  # daphne
        (4400, "bad_frames", "give up"),
        (4403, "scope_missing", "give up"),
        (4403, "not_a_member", "give up"),
        (4404, "not_found", "give up"),
        (4403, "session_ended", "log in"),
        (4403, "user_disabled", "log in"),
    ],
)
def test_it_gives_up_where_coming_back_would_not_help(client: Client, code: int, why: str, then: str) -> None:
    holding(client)
    client.gets(type="error", id=None, code=why, detail="")
    client.breaks(code)
    assert client.told[-1] == then


def test_it_comes_back_later_where_there_were_too_many_sockets(client: Client) -> None:
    holding(client)
    client.gets(type="error", id=None, code="too_many_connections", detail="")
    client.breaks(4408)
    assert "give up" not in client.told
    assert client.connects("E")["since"] == {"R": 41}


@pytest.mark.parametrize("why", ["not_a_member", "not_found", "scope_missing", "too_large", "session_ended"])
def test_an_error_that_closed_nothing_is_no_reason_not_to_come_back(client: Client, why: str) -> None:
    holding(client)
    client.gets(type="error", id=None, code=why, detail="")  # of a `typing` without an id, say
    client.breaks()
    assert client.connects("E")["since"] == {"R": 41}
    client.gets(type="error", id=None, code=why, detail="")
    client.gets(type="pong", id=None)
    client.breaks(1001)  # a proxy in between
    assert client.connects("E")["since"] == {"R": 41}
    client.gets(type="error", id=None, code=why, detail="")
    client.gets(type="error", id=None, code="restarting", detail="")
    client.breaks(1012)
    assert client.connects("E")["since"] == {"R": 41}
    assert client.told == ["load R"]


def test_a_subscription_that_is_refused_is_asked_for_again(client: Client) -> None:
    holding(client)
    client.breaks()
    client.connects("E")
    client.gets(type="error", id="all", code="unavailable")
    assert client.connects("E")["since"] == {"R": 41}


@pytest.mark.parametrize("behind_s", [0, DAY_S, -DAY_S])
def test_a_token_ages_by_when_it_came_and_not_by_the_clock_of_the_device(page: Any, behind_s: int) -> None:
    young = with_tokens(page, behind_s=behind_s, ago_s=400)
    young.connects("E")
    assert (young.tokens, young.run("refreshes")) == (["A"], [])
    page.reload()
    old = with_tokens(page, behind_s=behind_s, ago_s=500)
    old.connects("E")
    assert (old.tokens, old.run("refreshes")) == (["B"], ["r1"])


@pytest.mark.parametrize("moved_s", [DAY_S, 1200])
def test_a_clock_that_was_put_back_does_not_keep_an_expired_token(page: Any, moved_s: int) -> None:
    client = with_tokens(page, ago_s=1200)
    client.run(f"behindMs = {moved_s * 1000}")
    client.connects("E")
    if moved_s == 1200:  # nobody can tell but the server
        assert client.tokens == ["A"]
        client.gets(type="error", id=None, code="token_expired", detail="")
        client.breaks(4401)
        client.connects("E")
    assert (client.tokens[-1], client.run("refreshes")) == ("B", ["r1"])
    client.breaks()
    client.connects("E")
    assert (client.tokens[-1], client.run("refreshes")) == ("B", ["r1"])


def test_a_token_that_is_refused_is_not_refreshed_twice_where_another_caller_was_first(page: Any) -> None:
    client = with_tokens(page, behind_s=DAY_S)
    client.connects("E")
    client.run("serverMs += 1200_000")
    asked = "await Promise.all([1, 2].map(async () => (await (await call('users/me/')).json()).token))"
    assert (client.run(asked), client.run("refreshes")) == (["B", "B"], ["r1"])
    client.gets(type="error", id=None, code="token_expired", detail="")
    client.breaks(4401)
    client.connects("E")
    assert (client.tokens, client.run("refreshes")) == (["A", "B"], ["r1"])
    client.run('store({ access: jwt(), refresh: "r3", at: Date.now() }), null')  # another tab
    client.breaks(4401)
    client.connects("E")
    assert (client.tokens, client.run("refreshes")) == (["A", "B", "C"], ["r1"])


def test_a_call_that_is_answered_token_expired_is_repeated_once_with_another_token(page: Any) -> None:
    client = with_tokens(page, ago_s=1200)
    client.run("behindMs = 1200_000")
    assert client.run("(await (await call('users/me/')).json()).token") == "B"
    assert client.run("refreshes") == ["r1"]


def test_an_expiring_socket_is_renewed_with_a_new_token_whatever_the_clock_says(page: Any) -> None:
    client = with_tokens(page)
    client.connects("E")
    client.run("serverMs += 540_000; behindMs = 540_000")
    for token in "BC":
        client.gets(type="notice", notice="session.expiring", data={"expires_at": "2026-11-23T09:45:55Z"})
        client.waits_for('socket.sent.at(-1).type === "auth"')
        assert client.run("named(socket.sent.pop().token)") == token


def test_a_session_that_is_over_is_asked_for_the_password_and_nothing_else(page: Any) -> None:
    client = with_tokens(page, ago_s=1200)
    client.run("answers = 401")
    client.run("await connect()")
    assert (client.told, client.run("sockets.length")) == (["log in"], 0)
    assert client.run("await freshToken().catch((error) => error instanceof LoggedOut)") is True
