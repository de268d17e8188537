"""The API speaks JSON, whatever a client says it accepts: libraries and browsers say all kinds of things."""

import pytest

ACCEPT = ["application/xml", "text/html", "image/png", "text/*;q=0.3", "application/json;q=0", "nonsense", ",", "*", "é",
          "text/html,application/xhtml+xml;q=0.9", "application/json; indent=4", "x" * 5_000]  # fmt: skip


@pytest.mark.parametrize("accept", ACCEPT)
def test_an_answer_is_json_whatever_is_accepted(ada, accept):
    answer = ada.call("GET", "users/me/", Accept=accept)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.body["username"] == "ada"


@pytest.mark.parametrize("accept", ACCEPT)
def test_a_problem_is_a_problem_whatever_is_accepted(ada, accept):
    answer = ada.call("POST", "rooms/", {}, Accept=accept)
    assert (answer.status, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert answer.attrs == {"kind", "name"}


@pytest.mark.parametrize("named", ["xml", "api", "yaml", "json", ""])
def test_a_format_in_the_query_is_one_of_the_fields_nobody_knows(ada, named):
    assert ada.get(f"users/me/?format={named}").body["username"] == "ada"
