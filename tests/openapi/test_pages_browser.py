"""The pages in Debian's Chromium, served as in production under a name that is not localhost."""

from urllib.parse import urlsplit

import pytest

from tests.browser import BROWSER, chromium, served, watched

pytestmark = BROWSER


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The URL of the whole ASGI application under uvicorn, with production settings and documents on."""
    with served(tmp_path_factory.mktemp("pages"), DOCS_ENABLED="1") as url:
        yield url


@pytest.fixture(scope="module")
def browser(server):
    with chromium(server) as found:
        yield found


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/", "text=Swagger UI"),
        ("/api/docs/", "#operations-service-readyz"),
        ("/api/redoc/", "#docs [data-item-id='tag/service']"),
    ],
)
def test_a_page_works_and_asks_no_other_host(server, browser, path, shown, screenshots):
    page, asked, complaints = watched(browser)
    page.goto(server + path, wait_until="networkidle")
    page.locator(shown).first.wait_for(timeout=10_000)
    page.screenshot(path=screenshots / f"{path.strip('/').replace('/', '-') or 'index'}.png")
    page.close()
    hosts = {urlsplit(url).netloc for url in asked if urlsplit(url).scheme not in ("data", "blob")}
    assert hosts == {urlsplit(server).netloc}
    assert complaints == []


def test_swagger_ui_tries_a_call_out(server, browser):
    page = browser.new_page()
    page.goto(server + "/api/docs/", wait_until="networkidle")
    page.locator("#operations-service-healthz").click()
    with page.expect_response(lambda response: response.url.endswith("/healthz")) as answered:
        page.locator("#operations-service-healthz button.execute").click()
    assert answered.value.status == 200
    page.close()
