"""JSON over REST: the strict parser, the renderer for all, and reading a body into a typed struct."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import msgspec
from django.conf import settings
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from common.decode import convert_struct, decode_json
from common.errors import TooLarge

T = TypeVar("T")


class JSONParser(BaseParser):
    """Strict JSON: no NaN, no Infinity, no nesting that exhausts the stack, at most BODY_MAX_BYTES."""

    media_type = "application/json"

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The body as Python values; `Invalid` or `TooLarge` otherwise."""
        body = stream.read(settings.BODY_MAX_BYTES + 1)
        if len(body) > settings.BODY_MAX_BYTES:
            raise TooLarge(f"At most {settings.BODY_MAX_BYTES} bytes.")
        return decode_json(body)


class JSONRenderer(BaseRenderer):
    """Structs, UUIDs and times as the contract writes them."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """The bytes of an answer; none for 204."""
        return b"" if data is None else msgspec.json.encode(data)


class FirstRenderer(DefaultContentNegotiation):
    """JSON whatever `Accept` and `?format=` say: there is nothing else to choose."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The view's first."""
        first = next(iter(renderers))
        return first, first.media_type


class Methods:
    """What OPTIONS answers, as DRF's `metadata_class`: the methods there are, as in the header `Allow`."""

    def determine_metadata(self, request: Request, view: Any) -> dict[str, list[str]]:
        """`{"methods": ["GET", …]}`."""
        return {"methods": view.allowed_methods}


def read_body(request: Request, shape: type[T]) -> T:
    """The request's JSON object as a `shape`; unknown fields are ignored, wrong ones are `invalid`."""
    return convert_struct(request.data, shape)
