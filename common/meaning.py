"""What a field means, said where it is declared: the OpenAPI document takes it from there."""

from typing import Any

from msgspec import Meta


def means(description: str, **bounds: Any) -> Meta:
    """`name: Annotated[str, means("What people read.", maxLength=100)]`.

    `bounds` are JSON-schema keywords, for the document alone: whoever keeps the field to them (a service, with the
    very constant or setting named here) says so in its own words and codes.
    """
    return Meta(description=description, extra_json_schema=bounds or None)
