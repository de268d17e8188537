"""Whatever fails, the client gets a problem it can act on, and nothing of our insides (FAULTS B38)."""

import asyncio
import json

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient

from backend.http import Handler
from common.errors import REST_ERRORS
from common.problems import describe
from tests.backend.urls_that_fail import SECRET


def problem_of(response, status, code):
    """The problem in `response`, held against everything each one must have."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    assert response["Cache-Control"] == "no-store"
    body = json.loads(response.content)
    assert body["status"] == status
    assert body["code"] == code
    assert body["type"] == f"urn:parley:problem:{code}"
    assert body["title"]
    assert body["detail"]
    assert body["request_id"] == response["X-Request-ID"]
    text = response.content.decode()
    assert SECRET not in text
    assert "Traceback" not in text
    assert "<" not in text
    return body


@pytest.mark.parametrize(
    "path", ["/nothing", "/api/v1/nothing/", "/api/v1/users", "/static/nothing.js", "/%00"]
)
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_an_unknown_url_is_not_found(client, path, method):
    problem_of(getattr(client, method)(path), 404, "not_found")


def test_a_method_a_view_lacks_is_named_with_those_it_has(client):
    response = client.delete("/api/v1/echo/")
    problem_of(response, 405, "method_not_allowed")
    assert response["Allow"] == "POST, OPTIONS"


def test_a_method_a_plain_view_lacks_is_a_problem_too(client):
    problem_of(client.post("/"), 405, "method_not_allowed")


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_a_body_that_is_not_json_by_type_is_refused(client, content_type):
    problem_of(client.post("/api/v1/echo/", b"{}", content_type=content_type), 415, "unsupported_type")


@pytest.mark.parametrize("body", [b"{", b"\xff", b'{"a": NaN}', b'"\\ud800"', b"[" * 100_000, b""])
def test_malformed_json_is_invalid(client, body):
    problem_of(client.post("/api/v1/echo/", body, content_type="application/json"), 400, "invalid")


def test_every_wrong_field_is_named(client):
    response = client.post("/api/v1/echo/", b'{"id": 7, "is_bot": 1}', content_type="application/json")
    body = problem_of(response, 400, "invalid")
    assert [(error["attr"], error["code"]) for error in body["errors"]] == [
        ("id", "invalid"),
        ("username", "required"),
        ("display_name", "required"),
        ("avatar", "required"),
        ("is_bot", "invalid"),
        ("deleted", "required"),
    ]


def test_a_body_beyond_the_limit_is_too_large_and_one_at_it_is_read(client, settings):
    at_limit = json.dumps("x" * (settings.BODY_MAX_BYTES - 2)).encode()
    problem_of(client.post("/api/v1/echo/", at_limit, content_type="application/json"), 400, "invalid")
    problem_of(
        client.post("/api/v1/echo/", at_limit + b" ", content_type="application/json"), 413, "too_large"
    )


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        ("crash", 500, "internal_error"),
        ("database", 503, "unavailable"),
        ("http404", 404, "not_found"),
        ("denied", 403, "forbidden"),
        ("suspicious", 400, "invalid"),
    ],
)
@pytest.mark.parametrize("kind", ["fails", "plain"])
def test_what_a_view_raises_has_its_code_inside_and_outside_of_drf(client, kind, failure, status, code):
    problem_of(client.get(f"/api/v1/{kind}/{failure}/"), status, code)


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        ("throttled", 429, "rate_limited"),
        ("drf-denied", 403, "forbidden"),
        ("drf-login", 401, "not_authenticated"),
        ("drf-token", 401, "token_invalid"),
        ("drf-fields", 400, "invalid"),
        ("drf-crash", 500, "internal_error"),
        ("slow-mode", 429, "slow_mode"),
        ("resync", 410, "resync"),
        ("expired", 401, "token_expired"),
        ("field", 400, "invalid"),
    ],
)
def test_each_of_drfs_errors_and_ours_has_its_code(client, failure, status, code):
    problem_of(client.get(f"/api/v1/fails/{failure}/"), status, code)


@pytest.mark.parametrize(("failure", "seconds"), [("throttled", "3"), ("slow-mode", "1"), ("database", "1")])
def test_retry_after_is_whole_seconds_and_never_too_few(client, failure, seconds):
    assert client.get(f"/api/v1/fails/{failure}/")["Retry-After"] == seconds


def test_only_what_applies_is_in_a_problem(client):
    plain = problem_of(client.get("/api/v1/fails/http404/"), 404, "not_found")
    assert not plain.keys() & {"errors", "reason", "retry_after"}
    assert problem_of(client.get("/api/v1/fails/resync/"), 410, "resync")["reason"] == "epoch"
    assert problem_of(client.get("/api/v1/fails/slow-mode/"), 429, "slow_mode")["retry_after"] == 0.2
    assert problem_of(client.get("/api/v1/fails/field/"), 400, "invalid")["errors"] == [
        {"attr": "rooms.0.since", "code": "invalid", "detail": "not a number"}
    ]


@pytest.mark.parametrize(
    ("failure", "challenge"),
    [("drf-login", 'Bearer realm="parley"'), ("expired", 'Bearer realm="parley", error="invalid_token"')],
)
def test_a_401_says_how_to_authenticate(client, failure, challenge):
    assert client.get(f"/api/v1/fails/{failure}/")["WWW-Authenticate"] == challenge


def test_a_crash_is_logged_with_its_traceback_under_the_request_id(client, caplog):
    response = client.get("/api/v1/fails/crash/", headers={"X-Request-ID": "find-me"})
    problem_of(response, 500, "internal_error")
    text = "\n".join(f"{record.msg}" for record in caplog.records)
    assert "find-me" in text
    assert SECRET in text  # the log is where it belongs


@pytest.mark.parametrize("accept", ["*/*", "text/html", "application/json", "text/plain"])
@pytest.mark.parametrize("host", ["evil.example.com", "testserver.evil.com", "a b", "testserver:port"])
def test_a_foreign_host_header_is_refused_whatever_is_accepted(client, host, accept):
    answer = client.get("/api/v1/nothing/", headers={"Host": host, "Accept": accept})
    problem_of(answer, 400, "invalid")
    assert len(answer.content) < 1_000


@pytest.mark.parametrize("content_type", ["text/plain; charset=utf-8", "application/json", "image/png"])
def test_an_error_of_any_other_type_becomes_a_problem_and_keeps_its_headers(client, settings, content_type):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.backend.test_errors.refusing"]
    answer = client.get("/healthz", headers={"Accept": content_type})
    problem_of(answer, 403, "forbidden")
    assert (answer["X-Kept"], answer.get("Content-Encoding")) == ("1", None)


def refusing(get_response):
    """A middleware with an answer of its own."""

    def middleware(request: HttpRequest):
        headers = {"X-Kept": "1", "Content-Encoding": "gzip", "Content-Type": request.headers["Accept"]}
        return HttpResponse(SECRET, status=403, headers=headers)

    return middleware


def crashing(get_response):
    """A middleware that fails before any view."""

    def middleware(request: HttpRequest):
        raise RuntimeError(SECRET)

    return middleware


@pytest.mark.parametrize("accept", ["text/html", "*/*", "application/json"])
def test_a_crash_in_a_middleware_is_a_problem(client, settings, accept):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.backend.test_errors.crashing"]
    response = client.get("/api/v1/users/", headers={"Accept": accept})
    problem_of(response, 500, "internal_error")
    assert int(response["Content-Length"]) == len(response.content)


@pytest.mark.parametrize("failure", ["crash", "http404"])
async def test_the_asynchronous_path_answers_alike(client, failure):
    response = await AsyncClient(raise_request_exception=False).get(f"/api/v1/plain/{failure}/")
    problem_of(response, *((500, "internal_error") if failure == "crash" else (404, "not_found")))


async def test_an_endless_body_is_neither_kept_nor_an_error_of_ours(client, settings):
    """Through the handler itself: the test client builds requests of its own."""
    sent = []
    messages = [{"type": "http.request", "body": b" " * 65_536, "more_body": True}] * 100
    messages.append({"type": "http.request", "body": b"", "more_body": False})
    handler = Handler()
    kept = await handler.read_body(iterate(messages))
    assert len(kept.read()) == settings.BODY_MAX_BYTES + 1
    await handler(scope("/api/v1/echo/"), iterate(messages), collect(sent))
    assert sent[0]["status"] == 413
    assert json.loads(sent[1]["body"])["code"] == "too_large"


async def test_a_body_of_no_stated_length_is_read(client):
    sent = []
    messages = [
        {"type": "http.request", "body": b'{"id":', "more_body": True},
        {"type": "http.request", "body": b" 7}"},
    ]
    await Handler()(scope("/api/v1/echo/"), iterate(messages), collect(sent))
    assert json.loads(sent[1]["body"])["errors"][0]["attr"] == "id"


async def test_a_query_that_is_no_text_is_invalid(client):
    sent = []
    await Handler()(
        scope("/healthz", query=b"\xff"), iterate([{"type": "http.request", "body": b""}]), collect(sent)
    )
    assert sent[0]["status"] == 400
    assert json.loads(sent[1]["body"])["code"] == "invalid"


def scope(path, query=b""):
    return {
        "type": "http", "method": "POST", "path": path, "query_string": query, "http_version": "1.1",
        "headers": [(b"host", b"testserver"), (b"content-type", b"application/json"), (b"transfer-encoding", b"chunked")],
    }  # fmt: skip


def iterate(messages):
    """An ASGI `receive` that gives `messages`, then never anything more."""
    left = iter(messages)

    async def receive():
        found = next(left, None)
        if found is None:
            await asyncio.Event().wait()
        return found

    return receive


def collect(sent):
    """An ASGI `send` that appends to `sent`."""

    async def send(message):
        sent.append(message)

    return send


@pytest.mark.parametrize("error", REST_ERRORS, ids=lambda error: error.code)
def test_every_code_has_a_problem_of_its_own_status(error):
    found = describe(error(), request_id="r")
    assert (found.code, found.status, found.title) == (error.code, error.status, error.title)
    assert 400 <= found.status < 600
