"""Request ids, the log line, CORS and the headers that lock answers down (FAULTS B37)."""

import pytest
from django.test import AsyncClient
from structlog.contextvars import get_contextvars
from structlog.testing import capture_logs

APP = "https://app.example.com"
FOREIGN = ["https://evil.example.com", "https://app.example.com.evil.com", "http://app.example.com", "null",
           "https://app.example.com:8443", "https://evil-app.example.com"]  # fmt: skip


@pytest.mark.parametrize("given", ["a", "01945d4c-7b1e", "A.b_c-9", "x" * 64])
def test_a_sane_request_id_is_echoed(client, given):
    assert client.get("/healthz", headers={"X-Request-ID": given})["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a\tb", "ä", "a;b", "<script>", "${jndi:x}", "a\n"])
def test_a_request_id_that_is_garbage_is_replaced(client, given):
    made = client.get("/healthz", headers={"X-Request-ID": given})["X-Request-ID"]
    assert made != given
    assert len(made) == 36


def test_two_requests_have_two_ids_and_nothing_stays_bound(client):
    assert client.get("/healthz")["X-Request-ID"] != client.get("/healthz")["X-Request-ID"]
    assert "request_id" not in get_contextvars()


async def test_the_asynchronous_path_has_ids_too(client):
    answer = await AsyncClient().get("/healthz", headers={"X-Request-ID": "given"})
    assert answer["X-Request-ID"] == "given"
    assert "request_id" not in get_contextvars()


def logged_line(client, path, **extra):
    with capture_logs() as lines:
        client.get(path, **extra)
    (line,) = [line for line in lines if line["event"] == "request"]
    return line


def test_one_line_a_request_without_query_headers_or_body(client):
    line = logged_line(client, "/api/v1/nothing/?token=tok-123", headers={"Authorization": "Bearer tok-456"})
    assert line.keys() == {"event", "log_level", "method", "path", "status", "duration_ms"}
    assert (line["method"], line["path"], line["status"]) == ("GET", "/api/v1/nothing/", 404)
    assert "tok-" not in str(line)


def test_a_credential_in_the_path_is_not_logged(client):
    assert logged_line(client, "/api/v1/hooks/s3cr3t/")["path"] == "/api/v1/hooks/[secret]/"


def test_a_long_path_is_logged_in_part(client):
    logged = logged_line(client, "/api/v1/" + "x" * 60_000)["path"]
    assert logged == "/api/v1/" + "x" * 504 + "…"


@pytest.mark.parametrize(
    ("sent", "logged"),
    [
        ("/%1b%5b31mred%07", "/\\x1b[31mred\\x07"),
        ("/a%0d%0ab%09c", "/a\\r\\nb\\tc"),
        ("/%e2%80%aeabc%c2%9b", "/\\u202eabc\\x9b"),
        ("/%e2%80%a8%ef%bb%bf", "/\\u2028\\ufeff"),
        ("/caf%c3%a9/%f0%9f%91%8d/a%20b", "/café/👍/a b"),
    ],
)
def test_a_path_is_logged_without_what_a_terminal_would_obey(client, sent, logged):
    assert logged_line(client, sent)["path"] == logged


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/healthz", 200),
        ("/api/v1/nothing/", 404),
        ("/api/v1/fails/field/", 400),
        ("/api/v1/fails/expired/", 401),
        ("/api/v1/fails/throttled/", 429),
        ("/api/v1/fails/crash/", 500),
        ("/api/v1/plain/crash/", 500),
        ("/api/v1/fails/database/", 503),
    ],
)
def test_cors_headers_are_on_every_answer_to_a_known_origin(client, path, status):
    response = client.get(path, headers={"Origin": APP})
    assert response.status_code == status
    assert response["Access-Control-Allow-Origin"] == APP
    assert "origin" in response["Vary"].lower()
    exposed = {name.strip() for name in response["Access-Control-Expose-Headers"].split(",")}
    assert {"Retry-After", "X-Request-ID", "ETag", "RateLimit"} <= exposed
    assert "Access-Control-Allow-Credentials" not in response


@pytest.mark.parametrize("origin", FOREIGN)
@pytest.mark.parametrize("path", ["/healthz", "/api/v1/nothing/", "/api/v1/plain/crash/"])
def test_a_foreign_origin_gets_no_cors_headers(client, origin, path):
    response = client.get(path, headers={"Origin": origin})
    assert not [name for name in response.headers if name.lower().startswith("access-control-allow")]


def test_a_preflight_is_answered_before_anything_else(client):
    response = client.options(
        "/api/v1/rooms/",
        headers={
            "Origin": APP,
            "Access-Control-Request-Method": "PATCH",
            "Access-Control-Request-Headers": "authorization, content-type, if-none-match, x-request-id",
        },
    )
    assert response.status_code == 200
    assert response["Access-Control-Allow-Origin"] == APP
    assert "PATCH" in response["Access-Control-Allow-Methods"]
    allowed = response["Access-Control-Allow-Headers"]
    assert all(name in allowed for name in ("authorization", "content-type", "if-none-match", "x-request-id"))
    assert int(response["Access-Control-Max-Age"]) > 0


def test_options_names_the_methods_and_no_more(client):
    answer = client.options("/healthz")
    assert (answer.status_code, answer["Allow"]) == (200, "GET, HEAD, OPTIONS")
    assert answer.json() == {"methods": ["GET", "HEAD", "OPTIONS"]}
    refused = client.options("/api/v1/rooms/")
    assert (refused.status_code, refused.json()["code"]) == (401, "not_authenticated")


def test_a_preflight_from_a_foreign_origin_allows_nothing(client):
    response = client.options(
        "/api/v1/rooms/", headers={"Origin": FOREIGN[0], "Access-Control-Request-Method": "PATCH"}
    )
    assert not [name for name in response.headers if name.lower().startswith("access-control-allow")]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "same-origin"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cache-Control", "no-store"),
        ("Strict-Transport-Security", "max-age=31536000; includeSubDomains; preload"),
    ],
)
@pytest.mark.parametrize("path", ["/healthz", "/api/v1/nothing/", "/api/v1/plain/crash/"])
def test_the_headers_that_lock_an_answer_down(client, settings, name, value, path):
    settings.SECURE_HSTS_SECONDS = 31_536_000
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = settings.SECURE_HSTS_PRELOAD = True
    assert client.get(path, secure=True)[name] == value


def test_an_answer_of_the_api_may_run_and_load_nothing(client):
    policy = client.get("/healthz")["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; frame-ancestors 'none'")


def test_nothing_tells_what_serves(client):
    assert "Server" not in client.get("/healthz").headers


def test_plain_http_is_sent_to_https_but_for_probes(client, settings):
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/api/v1/nothing/")["Location"] == "https://testserver/api/v1/nothing/"
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize("host", ["10.0.0.7:8000", "127.0.0.1", "[::1]:8000", "_"])
def test_probes_answer_to_any_name_and_nothing_else_does(client, settings, host):
    settings.ALLOWED_HOSTS = ["chat.example.com"]
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/healthz", headers={"host": host}).json() == {"status": "ok"}
    for path in ("/", "/healthz/", "/api/v1/users/me/"):
        assert client.get(path, secure=True, headers={"host": host}).status_code == 400, path
