"""README.md's five minutes with curl, word for word, against a live server."""

import json
import shutil

import pytest

from tests.flows.readme import BOT, CURL, blocks, run_in_bash
from tests.live import LiveServer

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        shutil.which("curl") is None, reason="there is no curl (Debian: apt-get install curl)"
    ),
]


def answers(printed: str) -> list[dict]:
    """The JSON objects in `printed`, in order."""
    decoder, found, rest = json.JSONDecoder(), [], printed.strip()
    while rest:
        value, end = decoder.raw_decode(rest)
        found.append(value)
        rest = rest[end:].strip()
    return found


def test_the_curl_part_does_what_the_readme_says(server: LiveServer) -> None:
    helpers, room, send, read = blocks(CURL, "sh")
    joined, sent, again, history, log = answers(run_in_bash([helpers, room, send, send, read], server.port))
    assert (joined["name"], joined["member_count"]) == ("Engine room", 2)
    assert again == sent
    assert [message["body"] for message in history["results"]] == ["The mill is running."]
    assert [(event["seq"], event["type"]) for event in log["results"]] == [
        (1, "room.created"),
        (2, "member.joined"),
        (3, "member.joined"),
        (4, "message.created"),
    ]
    assert [log["results"][i]["data"]["member"]["user"]["username"] for i in (1, 2)] == ["ada", "bob"]


def test_a_second_visit_logs_in_instead_of_registering(server: LiveServer) -> None:
    helpers, room, *_ = blocks(CURL, "sh")
    second = helpers.replace("auth/register/", "auth/token/")
    assert second != helpers
    joined = answers(run_in_bash([helpers, second, room], server.port))
    assert joined[0]["member_count"] == 2


def test_the_bot_comes_in_and_speaks_and_the_script_of_the_examples_with_its_token(
    server: LiveServer,
) -> None:
    helpers, room, *_ = blocks(CURL, "sh")
    made, said = blocks(BOT, "sh")
    [post] = blocks("A line from cron", "sh", "examples/README.md")
    _, joined, first, seq, again = answers(run_in_bash([helpers, room, made, said, post, post], server.port))
    assert (joined["member_count"], joined["me"]["role"]) == (3, "member")
    assert first["author"]["username"].startswith("mill-bot-")
    assert first["author"]["is_bot"] is True
    assert (first["body"], seq, again) == ("The back-up is done.", first["seq"] + 1, first["seq"] + 1)
