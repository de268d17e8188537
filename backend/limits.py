"""The limits on requests: one place for every call, and the headers that tell of limits.

Who sends a good token pays by their own bucket, a bot by its owner's, everybody else by their address's. That is
decided before the database is asked anything, so that a flood costs next to nothing. What is below auth/ counts
on the address besides: logging in asks for no token, so a good one must not pay for it alone.
"""

import threading
from collections import OrderedDict
from collections.abc import Awaitable, Hashable
from hashlib import blake2b
from http import HTTPStatus
from uuid import UUID

import structlog
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.access import named_by
from accounts.authentication import bearer_token
from backend.either_way import EitherWay
from backend.errors import problem
from backend.middleware import PROBES
from backend.rate_headers import add_rate_headers
from backend.turns import take_turn, when_over
from common.addresses import source_of_request
from common.errors import RateLimited
from common.limits import REQUESTS

_LIMITED = "/api/v1/"
_BY_ADDRESS = "/api/v1/auth/"
_TOKENS_MAX = 10_000  # of whom it is remembered who pays; 200 bytes each


logger = structlog.get_logger(__name__)


class RequestLimitMiddleware(EitherWay):
    """429 `rate_limited` for who asks too often, or has too much under way; RateLimit headers on every answer.

    A request is under way until its answer is sent, which is the reader's to end. That counts for every path, the
    pages and their files too, but where health is asked for. Only the asynchronous way counts it: it is the one that
    serves.
    """

    _warned = False

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.is_async:
            return self._call_async(request)
        if not request.path_info.startswith(_LIMITED):
            response = self.get_response(request)
            assert isinstance(response, HttpResponseBase)
            return response
        toll = self._toll(request)
        response = self.get_response(request) if toll.standing.allowed else toll.refusal()
        assert isinstance(response, HttpResponseBase)
        return toll.paid(response)

    async def _call_async(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info in PROBES:
            return await self._answer(request)
        if not request.path_info.startswith(_LIMITED):
            return await self._in_turn(request, source_of_request(request))
        toll = self._toll(request)
        if not toll.standing.allowed:
            return toll.paid(toll.refusal())
        return toll.paid(await self._in_turn(request, toll.payer))

    async def _in_turn(self, request: HttpRequest, payer: Hashable) -> HttpResponseBase:
        try:
            give_back = await take_turn(payer)
        except RateLimited as error:
            return problem(error)
        if when_over(getattr(request, "scope", None), give_back):
            return await self._answer(request)
        try:
            return await self._answer(request)
        finally:
            give_back()

    def _toll(self, request: HttpRequest) -> "_Toll":
        if not (self._warned or settings.FORWARDED_ALLOW_IPS) and "X-Forwarded-For" in request.headers:
            self._warned = True
            logger.warning(
                "X-Forwarded-For is not believed. Behind a proxy set FORWARDED_ALLOW_IPS: "
                "all people there share the limits of one address.",
                peer=source_of_request(request),
            )
        return _Toll(request)

    async def _answer(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        assert not isinstance(response, HttpResponseBase)
        return await response


class _Toll:
    """What one request costs, and whom."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        token = bearer_token(request.headers.get("Authorization", ""))
        self._digest = blake2b(token.encode(), digest_size=16).digest() if token else None
        payer: Hashable = None
        if token and self._digest is not None:
            payer = named_by(token) if self._digest not in _payers else _payers.get(self._digest)
        source = source_of_request(request)
        self.payer: Hashable = payer or source
        self.standing = REQUESTS.take(self.payer)
        if payer and self.standing.allowed and request.path_info.startswith(_BY_ADDRESS):
            address = REQUESTS.take(source)
            if not address.allowed:
                REQUESTS.give_back(self.payer)
                self.standing = address

    def refusal(self) -> HttpResponseBase:
        """The answer of a request that is one too many."""
        return problem(RateLimited.by(self.standing))

    def paid(self, response: HttpResponseBase) -> HttpResponseBase:
        """The answer with its headers; and who pays for this token from now on is learned."""
        if not self.standing.allowed:
            return response
        add_rate_headers(response, self.standing)
        user = getattr(self._request, "user", None)  # DRF puts it there
        if self._digest is not None:
            if user is not None:
                _payers.put(self._digest, user.payer_id)
            elif response.status_code == HTTPStatus.UNAUTHORIZED:
                _payers.put(self._digest, None)
        return response


class _Payers:
    """Who paid for a token last: a user's id, or None for one that was refused. By digest, a bounded number."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, UUID | None] = OrderedDict()
        self._lock = threading.Lock()

    def __contains__(self, digest: bytes) -> bool:
        return digest in self._known

    def get(self, digest: bytes) -> UUID | None:
        return self._known.get(digest)

    def put(self, digest: bytes, payer: UUID | None) -> None:
        with self._lock:
            self._known[digest] = payer
            self._known.move_to_end(digest)
            if len(self._known) > _TOKENS_MAX:
                self._known.popitem(last=False)


_payers = _Payers()
