"""Our JWTs, signed and read: the only module that knows simplejwt and PyJWT.

A token names its session (`sid`) and its user (`sub`) and proves nothing else: whether the session
still stands is the database's to say (access.py). All times are judged by common.clock.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID, uuid4

import jwt
import msgspec
from rest_framework_simplejwt import tokens as simplejwt
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.settings import api_settings

from accounts.models import Session
from common import clock
from common.errors import ParleyError, TokenExpired, TokenInvalid

TOKEN_MAX_CHARS = 4_096
SKEW_S = 5  # how far another worker's clock may run ahead of ours

_Second = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799)]  # since 1970, until the year 9999


class Pair(msgspec.Struct, frozen=True):
    """The two tokens of a session, signed."""

    access: str
    refresh: str


class Claims(msgspec.Struct, frozen=True):
    """What a valid token says. `jti` tells the tokens of one session apart."""

    user_id: UUID
    session_id: UUID
    jti: str
    expires_at: datetime


class _Payload(msgspec.Struct, frozen=True):
    """The claims a token of ours has at least; `nbf` is none of ours, but is heeded."""

    sub: UUID
    sid: UUID
    jti: Annotated[str, msgspec.Meta(min_length=1, max_length=36)]
    iat: _Second
    exp: _Second
    nbf: _Second = 0


class _Backend(TokenBackend):
    """simplejwt's, without PyJWT's look at the system's time."""

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:
        """The payload, once algorithm, signature, issuer and audience are right."""
        return jwt.decode(
            token,
            self.get_verifying_key(token),
            algorithms=[self.algorithm],
            audience=self.audience,
            issuer=self.issuer,
            options={
                "require": ["exp", "iat", "jti", "sub", "iss", "aud"],
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )


_backend = _Backend(
    api_settings.ALGORITHM,
    api_settings.SIGNING_KEY,
    audience=api_settings.AUDIENCE,
    issuer=api_settings.ISSUER,
)


class _Token(simplejwt.Token):
    """What our two kinds have in common: the backend above, and claims that are all checked."""

    claims: Claims

    def get_token_backend(self) -> TokenBackend:
        return _backend

    def verify(self) -> None:
        """`claims` is set; TokenExpired, TokenInvalid, TokenError or ValidationError otherwise."""
        self.current_time = clock.now()
        self.verify_token_type()
        payload = msgspec.convert(self.payload, _Payload)
        now = self.current_time.timestamp()
        if max(payload.iat, payload.nbf) > now + SKEW_S:
            raise TokenInvalid
        if payload.exp <= now:
            raise TokenExpired
        self.claims = Claims(
            user_id=payload.sub,
            session_id=payload.sid,
            jti=payload.jti,
            expires_at=datetime.fromtimestamp(payload.exp, UTC),
        )


class _AccessToken(_Token):
    token_type = "access"  # noqa: S105  a name
    lifetime = api_settings.ACCESS_TOKEN_LIFETIME


class _RefreshToken(_Token):
    token_type = "refresh"  # noqa: S105  a name
    lifetime = api_settings.REFRESH_TOKEN_LIFETIME


def renew(session: Session, at: datetime) -> None:
    """Give `session` the claims of a new pair issued at `at`; saving it is the caller's."""
    session.issued_at = at.replace(microsecond=0)  # tokens count whole seconds
    session.refresh_expires_at = session.issued_at + api_settings.REFRESH_TOKEN_LIFETIME
    session.refresh_jti = uuid4().hex
    session.access_jti = uuid4().hex


def pair_of(session: Session) -> Pair:
    """The session's newest pair: byte for byte the same whenever it is signed."""
    return Pair(
        access=_sign(_AccessToken(), session, session.access_jti, api_settings.ACCESS_TOKEN_LIFETIME),
        refresh=_sign(
            _RefreshToken(), session, session.refresh_jti, session.refresh_expires_at - session.issued_at
        ),
    )


def _sign(token: _Token, session: Session, jti: str, lifetime: timedelta) -> str:
    token.set_exp(from_time=session.issued_at, lifetime=lifetime)
    token.set_iat(at_time=session.issued_at)
    token["jti"] = jti
    token["sub"] = str(session.user_id)
    token["sid"] = str(session.id)
    return str(token)


def read_access(raw: str) -> Claims:
    """The claims of an access token; TokenExpired or TokenInvalid, whatever `raw` is."""
    return _read(_AccessToken, raw)


def read_refresh(raw: str) -> Claims:
    """The claims of a refresh token; TokenExpired or TokenInvalid, whatever `raw` is."""
    return _read(_RefreshToken, raw)


def _read(kind: type[_Token], raw: str) -> Claims:
    if len(raw) > TOKEN_MAX_CHARS or not raw.isascii():
        raise TokenInvalid
    try:
        return kind(raw).claims  # type: ignore[arg-type]  # simplejwt's annotation means "a raw token"
    except ParleyError:
        raise
    except Exception:
        # Pure computation on hostile bytes. The libraries let more through than their own errors
        # (UnicodeEncodeError for a surrogate in a claim), and which changes between releases.
        raise TokenInvalid from None
