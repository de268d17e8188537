"""Who may call what; and a private thing's id looks like one that never was (docs/rest.md; FAULTS B14).

Generated from the document: every operation, for everybody there is, in every kind of room. What is expected
stands in access_rules.py; that private things look like nothing is listed nowhere: it holds for all of them.
"""

import pytest

from tests.contract.access_rules import RULES
from tests.contract.document import body_examples, operations
from tests.contract.story import KINDS, OUTSIDE, never, undone
from tests.statements import shape, statements

pytestmark = pytest.mark.django_db

CALLS = {operation.id: operation for operation in operations()}
OPERATIONS = sorted(CALLS)
IN_ROOMS = [name for name in OPERATIONS if "room_id" in CALLS[name].parameters]
DIFFERS = ("x-request-id", "date", "ratelimit", "ratelimit-remaining", "ratelimit-reset")


def result(answer):
    """`ok`, or the code of the problem."""
    return "ok" if answer.status < 300 else answer.code


def visible(answer):
    """All of an answer that a client could compare, without what differs between any two answers."""
    body = answer.body
    if isinstance(body, dict):
        body = {name: value for name, value in body.items() if name not in ("request_id", "instance")}
    headers = {n.lower(): v for n, v in answer.headers.items() if n.lower() not in DIFFERS}
    return answer.status, body, headers


def asked(ask):
    """The answer, and every statement it took; whatever it did is undone."""
    answers = []
    with undone():
        run = statements(lambda: answers.append(ask()))
    return answers[0], run


def seen(ask):
    """What is answered, and the shape of every statement it took."""
    answer, run = asked(ask)
    return visible(answer), [shape(sql) for sql in run]


def writes(run):
    """The statements that change what people have; when a token was used is nobody's."""
    return [sql for sql in run if not sql.startswith("SELECT") and "accounts_apitoken" not in sql]


def test_every_operation_has_its_line():
    missing, gone = sorted(CALLS.keys() - RULES.keys()), sorted(RULES.keys() - CALLS.keys())
    assert not missing, (
        f"no line in tests/contract/access_rules.py for {', '.join(missing)}: say who may call it at least, which "
        "scope an API token needs, and who is refused though they may (muted, direct rooms, …)"
    )
    assert not gone, f"in tests/contract/access_rules.py, but not in the document: {', '.join(gone)}"


@pytest.mark.parametrize("operation", OPERATIONS)
def test_each_may_what_they_may(story, operation):
    call, rule = CALLS[operation], RULES[operation]
    for kind in KINDS if operation in IN_ROOMS else ("private",):
        for viewer in story.viewers(kind):
            for mine in (True, False) if "message_id" in call.parameters else (False,):
                answer, run = asked(lambda: story.ask(call, viewer, kind, mine=mine))  # noqa: B023
                where = f"{viewer} in a {kind} room{', their own message' * mine}: {answer.text[:300]}"
                assert result(answer) == rule.expected(viewer, kind, mine=mine), where
                assert str(answer.status) in call.spec["responses"], where
                if answer.status >= 400:
                    assert answer.code in call.codes(answer.status), where
                    assert not writes(run), where


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if body_examples(CALLS[name])])
def test_every_body_the_document_shows_is_one_that_works(story, operation):
    call = CALLS[operation]
    for name, example in body_examples(call).items():
        with undone():
            body = story.true(call, example, "owner", "private")
            answer = story.ask(call, "owner", "private", mine=True, body=body)
        assert result(answer) == RULES[operation].expected("owner", "private", mine=True), (
            f"{name}: {answer.text}"
        )


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if not CALLS[name].open])
def test_without_a_token_every_id_answers_alike(story, operation):
    call = CALLS[operation]
    nothing = dict.fromkeys(call.parameters, never())
    for kind in KINDS:
        found = seen(lambda kind=kind: story.ask(call, "nobody", kind))
        assert found[0][0] == 401
        assert found == seen(lambda kind=kind: story.ask(call, "nobody", kind, **nothing))


@pytest.mark.parametrize("operation", IN_ROOMS)
@pytest.mark.parametrize("kind", ["private", "direct"])
def test_a_room_one_is_not_in_looks_like_an_id_that_never_was(story, operation, kind):
    call = CALLS[operation]
    nothing = dict.fromkeys((name for name in call.parameters if name != "room_id"), never())
    for viewer in OUTSIDE if kind == "private" else ("stranger",):
        body = story.body(call, viewer, kind)
        found = [
            seen(lambda ids=ids: story.ask(call, viewer, kind, body=body, **ids))  # noqa: B023
            for ids in (
                {},
                {"room_id": never()},
                *([{"room_id": never(), **nothing}, nothing] if nothing else []),
            )
        ]
        status, said, _ = found[0][0]
        assert (status, said["code"]) == (404, "not_found"), viewer
        for one in found:
            assert one == found[0], viewer


@pytest.mark.parametrize("operation", IN_ROOMS)
@pytest.mark.parametrize("kind", ["public", "private"])
def test_a_deleted_room_looks_like_an_id_that_never_was(story, operation, kind):
    call = CALLS[operation]
    with undone():
        assert story.ask(CALLS["rooms_delete"], "owner", kind).status == 204
        for viewer in (one for one in story.viewers(kind) if one in ("stranger", "owner", "bot")):
            body = story.body(call, viewer, kind)
            found = [
                seen(lambda ids=ids: story.ask(call, viewer, kind, body=body, **ids))  # noqa: B023
                for ids in ({}, {"room_id": never()})
            ]
            assert found[0] == found[1], viewer
            assert viewer.startswith("bot") or found[0][0][0] == 404, viewer


@pytest.mark.parametrize("operation", IN_ROOMS)
def test_in_a_public_room_one_is_not_in_every_id_looks_alike(story, operation):
    call = CALLS[operation]
    others = dict.fromkeys((name for name in call.parameters if name != "room_id"), never())
    for viewer in OUTSIDE:
        body = story.body(call, viewer, "public")
        found = [
            seen(lambda ids=ids: story.ask(call, viewer, "public", body=body, **ids))  # noqa: B023
            for ids in ({}, others)
        ]
        assert found[0] == found[1], viewer


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if CALLS[name].parameters])
def test_what_is_not_ones_own_looks_like_what_never_was(story, operation):
    """A message of another room, a member who is none, another's session: by every name that a path has."""
    call = CALLS[operation]
    for kind in KINDS if operation in IN_ROOMS else ("private",):
        for viewer in (one for one in story.viewers(kind) if one in ("stranger", "member", "owner", "bot")):
            body = story.body(call, viewer, kind)
            for name in call.parameters:
                for foreign in story.foreign(call, name, viewer):
                    found = [
                        seen(lambda ids={name: id_}: story.ask(call, viewer, kind, body=body, **ids))  # noqa: B023
                        for id_ in (foreign, never())
                    ]
                    assert found[0] == found[1], f"{viewer} in a {kind} room, {name}"
                    assert found[0][0][0] in (403, 404), f"{viewer} in a {kind} room, {name}"


@pytest.mark.parametrize("operation", IN_ROOMS)
def test_an_id_spelt_otherwise_is_no_id(story, operation):
    """Also for those who are in the room: one thing has one name."""
    call = CALLS[operation]
    room = story.places["private", "owner"].id
    spelt = (room.upper(), room.replace("-", ""), "x", "1", "-1", "%00", "é", "{}", "null", "x" * 300)
    for text in spelt:
        answer = story.ask(call, "owner", "private", room_id=text)
        assert (answer.status, answer.code) == (404, "not_found"), text
