"""The OpenAPI document: complete, valid, and what the code does."""

import copy
import re
from io import StringIO
from pathlib import Path

import msgspec
import pytest
from django.contrib.auth.password_validation import MinimumLengthValidator, get_default_password_validators
from django.core.management import call_command
from django.test import Client
from jsonschema import Draft202012Validator, FormatChecker

from accounts.rules import EMAIL_MAX_CHARS, PASSWORD_MAX_CHARS, PASSWORD_MIN_CHARS
from common import examples
from common.errors import REST_ERRORS, NotAMember, NotFound
from common.problems import PROBLEM_JSON
from common.schema import problems
from common.text import USERNAME_MAX_CHARS
from openapi import pages
from openapi.checks import check_document, shortcomings
from openapi.events import DATA
from openapi.examples import example_of
from openapi.hooks import operations
from openapi.pages import document
from openapi.structs import components
from realtime import objects
from realtime.events import Event, EventType

REFERENCES = "#/components/schemas/"


def validator(found, schema):
    return Draft202012Validator(
        {**schema, "components": found["components"]}, format_checker=FormatChecker(["uuid"])
    )


def media_of(found):
    """(where, media type object) of every body in the document."""
    for path, operation in operations(found):
        name = f"{operation['operationId']} {path}"
        bodies = [("request", operation["requestBody"])] if "requestBody" in operation else []
        for what, body in [*bodies, *operation["responses"].items()]:
            for media in body.get("content", {}).values():
                yield f"{name} {what}", media


def examples_of(found, media):
    """Every example of a media type object, references followed."""
    if "example" in media:
        yield media["example"]
    for example in media.get("examples", {}).values():
        if "$ref" in example:
            example = found["components"]["examples"][example["$ref"].rsplit("/", 1)[-1]]
        yield example["value"]


def test_it_is_generated_without_a_warning_and_valid():
    out = StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", "--format", "openapi-json", stdout=out)
    assert msgspec.json.decode(out.getvalue()) == document()


def test_it_is_openapi_3_1_of_this_release(settings):
    found = document()
    assert found["openapi"] == "3.1.1"
    assert found["info"]["version"] == settings.VERSION
    assert found["servers"] == [{"url": "/", "description": "This server"}]
    bearer = found["components"]["securitySchemes"]["bearer"]
    assert (bearer["type"], bearer["scheme"], bearer["bearerFormat"]) == ("http", "bearer", "JWT")


def test_every_operation_has_id_summary_described_tag_and_examples():
    assert shortcomings(document()) == []
    assert check_document(None) == []


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda op: op.pop("operationId"), "has no operationId"),
        (lambda op: op.update(operationId="readyz"), "shares its operationId"),
        (lambda op: op.pop("summary"), "has no summary"),
        (lambda op: op.update(tags=["unheard"]), "has the tag unheard"),
        (
            lambda op: op["responses"]["200"]["content"]["application/json"].pop("example"),
            "has no example of its 200",
        ),
        (lambda op: op["responses"]["200"].pop("headers"), "does not declare X-Request-ID of its 200"),
        (lambda op: op.update(requestBody={"content": {}}), "does not say whether its body is required"),
    ],
)
def test_the_check_notices_what_is_missing(spoil, said):
    found = copy.deepcopy(document())
    spoil(found["paths"]["/healthz"]["get"])
    assert any(said in line for line in shortcomings(found))


def test_the_check_notices_an_answer_without_its_headers():
    found = copy.deepcopy(document())
    answers = found["paths"]["/api/v1/rooms/"]["get"]["responses"]
    del answers["200"]["headers"]["RateLimit"], answers["503"]["headers"]["Retry-After"]
    assert shortcomings(found) == [
        "rooms_list (/api/v1/rooms/) does not declare RateLimit of its 200",
        "rooms_list (/api/v1/rooms/) does not declare Retry-After of its 503",
    ]


def test_every_body_but_that_of_a_ban_must_be_there():
    asked = {
        found["operationId"]: found["requestBody"]["required"]
        for _, found in operations(document())
        if "requestBody" in found
    }
    assert [name for name, required in asked.items() if not required] == ["bans_put"]
    assert len(asked) > 10


def test_what_a_full_disk_and_blocking_oneself_are_answered_is_there():
    assert "`storage_unavailable`" in operation("messages_send")["responses"]["503"]["description"]
    for name in ("blocks_add", "blocks_remove"):
        assert "`invalid`" in operation(name)["responses"]["400"]["description"]


def test_the_document_and_the_page_say_the_same_of_what_to_do_after_a_code():
    page = (Path(__file__).parents[2] / "docs" / "rest.md").read_text()
    said = document()["components"]["schemas"]["Problem"]["properties"]["code"]["description"]
    for error in REST_ERRORS:
        (told,) = re.findall(rf"^\| `{error.code}` \| {error.status} \| ([^|]+) \|", said, re.MULTILINE)
        assert re.search(
            rf"^\| `{error.code}` \| {error.status} \|.*\| {re.escape(told)} \|$", page, re.MULTILINE
        )


def test_every_reference_leads_somewhere():
    text = msgspec.json.encode(document()).decode()
    for kind in ("schemas", "examples", "headers"):
        named = {part.split('"')[0] for part in text.split(f'"#/components/{kind}/')[1:]}
        assert named <= document()["components"][kind].keys()


def test_every_example_is_what_its_schema_says():
    found = document()
    checked = 0
    for where, media in media_of(found):
        for example in examples_of(found, media):
            errors = list(validator(found, media["schema"]).iter_errors(example))
            assert not errors, f"{where}: {errors[0].message} in {example}"
            checked += 1
    assert checked > 20


def test_every_code_is_in_the_one_problem_with_its_status():
    code = document()["components"]["schemas"]["Problem"]["properties"]["code"]
    assert code["x-extensible-enum"] == [error.code for error in REST_ERRORS]
    assert "enum" not in code  # or else generated clients refuse an answer of a later code
    for error in REST_ERRORS:
        assert f"| `{error.code}` | {error.status} |" in code["description"]


def test_every_error_answer_is_that_problem():
    for _, operation in operations(document()):
        errors = {status: answer for status, answer in operation["responses"].items() if int(status) >= 400}
        assert "500" in errors
        for status, answer in errors.items():
            assert answer["content"].keys() == {PROBLEM_JSON}
            media = answer["content"][PROBLEM_JSON]
            assert media["schema"] == {"$ref": f"{REFERENCES}Problem"}
            statuses = {value["status"] for value in examples_of(document(), media)}
            assert statuses == {int(status)}


def test_what_an_operation_takes_decides_what_it_may_refuse():
    for path, operation in operations(document()):
        statuses = operation["responses"].keys()
        assert not any(operation.get("security", ())) or "401" in statuses
        assert "requestBody" not in operation or {"400", "413", "415"} <= statuses
        assert "{" not in path or "404" in statuses
        assert "503" in statuses or path == "/healthz"


def operation(name):
    (found,) = [operation for _, operation in operations(document()) if operation["operationId"] == name]
    return found


@pytest.mark.parametrize("name", ["healthz", "readyz", "auth_register", "auth_refresh"])
def test_what_asks_for_no_token_refuses_none(name):
    found = operation(name)
    codes = found["responses"].get("401", {}).get("description", "")
    assert "not_authenticated" not in codes
    assert name.startswith("auth") or "401" not in found["responses"]


@pytest.mark.parametrize(
    ("name", "role", "said", "refused"),
    [
        ("auth_log_out", ["session"], "Not with an API token.", "forbidden"),
        ("bots_list", ["session"], "Not with an API token.", "forbidden"),
        ("rooms_list", ["rooms:read"], "API tokens need `rooms:read`.", "scope_missing"),
        ("messages_send", ["messages:write"], "API tokens need `messages:write`.", "scope_missing"),
        ("users_me_get", [], "With any API token.", None),
    ],
)
def test_an_operation_says_what_an_api_token_needs(name, role, said, refused):
    found = operation(name)
    assert found["security"] == [{"bearer": role}]
    assert found["description"].endswith(said)
    assert refused is None or f"`{refused}`" in found["responses"]["403"]["description"]
    assert refused is not None or "403" not in found["responses"]


def test_without_a_token_nothing_is_said_of_scopes():
    assert "API token" not in operation("auth_register")["description"]


def test_the_example_of_joining_is_a_public_room_one_does_not_own():
    (example,) = examples_of(
        document(), operation("rooms_join")["responses"]["200"]["content"]["application/json"]
    )
    assert (example["kind"], example["me"]["role"]) == ("public", "member")
    assert example["created_by"] != examples.ADA["id"]


@pytest.mark.parametrize(
    ("shape", "field", "values"),
    [
        ("CreateRoomBody", "kind", ["private", "public"]),
        ("AddMembersBody", "role", ["admin", "member", "owner"]),
    ],
)
def test_a_field_of_few_values_names_them(shape, field, values):
    schema = document()["components"]["schemas"][shape]["properties"][field]
    (found,) = [part for part in schema.get("anyOf", [schema]) if part["type"] == "string"]
    assert sorted(found["enum"]) == values


def test_a_seq_in_a_query_is_never_negative():
    seqs = [
        parameter["schema"]
        for _, found in operations(document())
        for parameter in found.get("parameters", ())
        if parameter["name"] in ("before", "after", "around", "since")
    ]
    assert seqs == [{"type": "integer", "format": "int64", "minimum": 0}] * 4


def test_every_event_of_the_log_has_its_shape():
    schemas = document()["components"]["schemas"]
    assert schemas["EventPage"]["properties"]["results"]["items"] == {"$ref": f"{REFERENCES}Event"}
    mapping = schemas["Event"]["discriminator"]["mapping"]
    assert mapping.keys() == {kind.value for kind in EventType}
    shapes = [*mapping.values(), f"{REFERENCES}OtherEvent"]
    assert [part["$ref"] for part in schemas["Event"]["oneOf"]] == shapes
    for kind, reference in mapping.items():
        shape = schemas[reference.removeprefix(REFERENCES)]
        assert shape["properties"]["type"] == {
            "enum": [kind],
            "type": "string",
            "description": "What happened.",
        }
        assert sorted(shape["required"]) == sorted(Event.__struct_fields__)
        assert msgspec.convert(example_of(shape, schemas)["data"], DATA[EventType(kind)])


def test_an_event_of_another_shape_is_none_of_the_union():
    schema = {"$ref": f"{REFERENCES}Event"}
    assert validator(document(), schema).is_valid(examples.EVENT)
    assert validator(document(), schema).is_valid(examples.EVENT | {"type": "of.later", "data": {"x": 1}})
    for spoilt in (
        examples.EVENT | {"type": "member.joined"},
        examples.EVENT | {"data": {}},
        {name: value for name, value in examples.EVENT.items() if name != "seq"},
    ):
        assert not validator(document(), schema).is_valid(spoilt)


def test_a_view_names_its_own_errors_by_class():
    named = problems(NotFound, NotAMember)
    assert list(named) == [(403, PROBLEM_JSON), (404, PROBLEM_JSON)]
    assert [example.value["code"] for example in named[403, PROBLEM_JSON].examples] == ["not_a_member"]


def without_words(fields):
    """The fields of a shape without what is said of them."""
    return {
        name: {key: value for key, value in field.items() if key != "description"}
        for name, field in fields.items()
    }


def shape_of(name):
    return document()["components"]["schemas"][name]["properties"]


def test_every_field_says_what_it_means():
    found = copy.deepcopy(document())
    assert not [line for line in shortcomings(found) if "no description" in line]
    del found["components"]["schemas"]["Room"]["properties"]["topic"]["description"]
    assert shortcomings(found) == ["the field topic of Room has no description"]


def test_bounds_are_those_that_the_services_keep(settings):
    sent = shape_of("SendMessageBody")
    assert sent["body"]["maxLength"] == settings.MESSAGE_MAX_CHARS
    assert re.fullmatch(sent["client_id"]["pattern"], "a.B:c-9_")
    assert not re.search(sent["client_id"]["pattern"], "a b")
    assert str(settings.METADATA_MAX_BYTES) in sent["metadata"]["description"]
    user = shape_of("RegisterBody")
    assert (user["username"]["minLength"], user["username"]["maxLength"]) == (1, USERNAME_MAX_CHARS)
    assert (user["password"]["minLength"], user["password"]["maxLength"]) == (8, PASSWORD_MAX_CHARS)
    # Bounds stand with what they bound, and not with null.
    assert user["email"]["anyOf"] == [{"type": "string", "maxLength": EMAIL_MAX_CHARS}, {"type": "null"}]
    assert shape_of("UpdateRoomBody")["slow_mode_s"]["maximum"] == settings.SLOW_MODE_MAX_S
    [people, _] = shape_of("CreateRoomBody")["members"]["anyOf"]
    assert people["maxItems"] == settings.MEMBERS_MAX_PER_REQUEST
    assert people["items"]["format"] == "uuid"
    me = shape_of("RoomMe")
    assert (me["unread_count"]["minimum"], me["unread_count"]["maximum"]) == (0, 100)


def test_the_shortest_password_is_what_the_document_says():
    lengths = [validator.min_length for validator in get_default_password_validators()
               if isinstance(validator, MinimumLengthValidator)]  # fmt: skip
    assert lengths == [PASSWORD_MIN_CHARS]


def test_times_ids_and_numbers_say_what_they_are():
    message = components([objects.Message])["Message"]
    fields = without_words(message["properties"])
    assert fields["created_at"] == {"type": "string", "format": "date-time"}
    assert fields["edited_at"] == {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}
    assert fields["seq"] == {"type": "integer", "format": "int64", "minimum": 1}
    assert fields["mentions"] == {"type": "array", "items": {"type": "string", "format": "uuid"}}
    assert "me" in fields
    assert "me" not in message["required"]
    room = without_words(components([objects.Room])["Room"]["properties"])
    assert room["kind"] == {"type": "string", "enum": ["direct", "private", "public"]}
    assert "    " not in components([objects.Room])["Room"]["description"]


class Tree(msgspec.Struct):
    """Refers to itself."""

    name: str
    left: "Tree | None"
    more: list["Tree"]
    also: "Tree | msgspec.UnsetType" = msgspec.UNSET


@pytest.mark.parametrize("shape", [Tree, *(getattr(objects, name) for name in (
    "User", "OwnUser", "Session", "Member", "Room", "Message"))])  # fmt: skip
def test_a_made_example_is_a_value_of_its_struct(shape):
    schemas = components([shape])
    example = example_of({"$ref": REFERENCES + shape.__name__}, schemas)
    msgspec.convert(example, shape)


@pytest.mark.parametrize("path", ["/api/schema/", "/api/docs/", "/api/redoc/", "/api/redoc/redoc.js"])
def test_with_documents_off_there_is_nothing(settings, path):
    settings.DOCS_ENABLED = False
    settings.SECURE_SSL_REDIRECT = False
    for method in ("get", "post", "head", "options"):
        response = getattr(Client(), method)(path)
        assert response.status_code == 404
        assert response["Content-Type"] == PROBLEM_JSON
        assert "Allow" not in response


def test_the_document_is_served_as_json_and_as_yaml(settings):
    settings.DOCS_ENABLED = True
    settings.SECURE_SSL_REDIRECT = False
    client = Client()
    served = client.get("/api/schema/")
    assert served["Content-Type"].startswith("application/json")
    assert served.json() == document()
    yaml = client.get("/api/schema/", headers={"Accept": "application/yaml"})
    assert yaml.content.startswith(b"openapi: 3.1.1")
    assert client.get("/api/schema/?format=yaml").content == yaml.content


@pytest.mark.parametrize("accept", ["application/json", "application/yaml"])
def test_the_document_is_written_once_and_asked_for_by_its_etag(settings, monkeypatch, accept):
    settings.DOCS_ENABLED = True
    settings.SECURE_SSL_REDIRECT = False
    first = Client().get("/api/schema/", headers={"Accept": accept})
    monkeypatch.setattr(pages, "document", None)  # whoever writes it again fails
    again = Client().get("/api/schema/", headers={"Accept": accept})
    assert (again.content, again["ETag"]) == (first.content, first["ETag"])
    assert again["Cache-Control"] == "no-cache"
    assert "Accept" in again["Vary"]
    same = Client().get("/api/schema/", headers={"Accept": accept, "If-None-Match": first["ETag"]})
    assert (same.status_code, same.content) == (304, b"")


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/*", "nonsense"])
def test_the_document_is_json_where_no_type_of_ours_is_accepted(settings, accept):
    settings.DOCS_ENABLED = True
    settings.SECURE_SSL_REDIRECT = False
    assert Client().get("/api/schema/", headers={"Accept": accept}).json() == document()


def test_a_format_that_we_do_not_have_is_not_found(settings):
    settings.DOCS_ENABLED = True
    settings.SECURE_SSL_REDIRECT = False
    answer = Client().get("/api/schema/?format=xml")
    assert (answer.status_code, answer["Content-Type"]) == (404, PROBLEM_JSON)
