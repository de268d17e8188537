"""The documentation pages ask no other host for anything, as far as their text and headers tell."""

import re

import pytest
from django.test import AsyncClient, Client

PAGES = ["/", "/api/docs/", "/api/redoc/"]


@pytest.fixture
def client(settings) -> Client:
    settings.DOCS_ENABLED = True
    settings.SECURE_SSL_REDIRECT = False
    return Client(headers={"Accept": "text/html"})


def files_of(client, path):
    """What a page loads."""
    return re.findall(r'(?:src|href|data-schema)="([^"#]+)"', client.get(path).content.decode())


@pytest.mark.parametrize("path", PAGES)
def test_a_page_names_only_our_own_files_and_they_are_there(client, path):
    page = client.get(path).content.decode()
    assert "//" not in page.replace("http://www.w3.org", "")
    loaded = [name for name in files_of(client, path) if name != "/readyz"]
    assert loaded
    for name in loaded:
        assert name.startswith("/")
        assert client.get(name, headers={"Accept": "*/*"}).status_code == 200, name


@pytest.mark.parametrize("path", PAGES)
def test_a_page_runs_nothing_written_into_it(client, path):
    page = client.get(path).content.decode()
    assert not re.findall(r"<script(?![^>]*src=)", page)
    assert not re.findall(r"\son\w+=", page)
    assert "style=" not in page


@pytest.mark.parametrize("path", PAGES)
def test_a_pages_policy_knows_no_other_host_and_no_frame(client, path):
    policy = client.get(path)["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "frame-ancestors 'none'" in policy
    allowed = {source for part in policy.split("; ") for source in part.split()[1:]}
    assert allowed == {"'none'", "'self'", "'unsafe-inline'", "data:", "blob:"}
    assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]


def test_redocs_script_is_served_without_its_makers_logo(client):
    script = client.get("/api/redoc/redoc.js")
    assert script["Content-Type"].startswith("text/javascript")
    assert b"Redoc" in script.content
    assert b"cdn.redoc.ly" not in script.content
    assert b'src:"data:,"' in script.content


async def test_a_file_is_the_same_over_the_asynchronous_path(client):
    name = "/static/openapi/pages.css"
    expected = client.get(name)
    answer = await AsyncClient().get(name)
    assert answer.content == expected.content
    assert answer["Content-Type"] == expected["Content-Type"] == 'text/css; charset="utf-8"'
    assert answer["Content-Length"] == str(len(answer.content))
    again = await AsyncClient().get(name, headers={"If-None-Match": answer["ETag"]} if "ETag" in answer else {
        "If-Modified-Since": answer["Last-Modified"]})  # fmt: skip
    assert (again.status_code, again.content) == (304, b"")
    head = await AsyncClient().head(name)
    assert (head["Content-Length"], head.content) == (answer["Content-Length"], b"")
    refused = await AsyncClient().post(name)
    assert (refused.status_code, refused["Content-Type"]) == (405, "application/problem+json")
    beyond = await AsyncClient().get(name, headers={"Range": "bytes=9999999-"})
    assert (beyond.status_code, beyond["Content-Type"]) == (400, "application/problem+json")
    assert beyond.json()["status"] == 400


NAMES = ["/static/openapi/pages.css", "/static/openapi/icon.svg",
         "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
async def test_with_documents_off_there_is_no_file(client, settings, name):
    assert client.get(name).status_code == 200
    settings.DOCS_ENABLED = False
    for answer in (client.get(name), await AsyncClient().get(name), await AsyncClient().head(name)):
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_scripts_are_not_for_other_origins(client):
    name = next(name for name in files_of(client, "/api/docs/") if name.endswith(".js"))
    assert "Access-Control-Allow-Origin" not in client.get(name)


@pytest.mark.parametrize("path", ["/api/docs/", "/api/redoc/", "/api/schema/"])
def test_the_documents_are_not_limited(narrow, client, path):
    narrow(REQUESTS_BURST=1, REQUESTS_PER_S=1)
    answers = [client.get(path, secure=True) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {200}
    assert not any(name.startswith("RateLimit") for answer in answers for name in answer.headers)
