"""Access tokens that must be refused, for REST and socket alike."""

import base64
import hashlib
import hmac
import json
from typing import Any
from uuid import uuid4

import jwt
from django.conf import settings

from accounts.models import Session, User
from common import clock

KEY: str = settings.SIMPLE_JWT["SIGNING_KEY"]
INVALID, EXPIRED, ENDED = "token_invalid", "token_expired", "session_ended"


def claims_of(session: Session, user: User, **changes: Any) -> dict[str, Any]:
    """The claims of a good access token, issued now; a change to `...` leaves the claim out."""
    now = int(clock.now().timestamp())
    claims = {
        "token_type": "access",
        "exp": now + 600,
        "iat": now,
        "jti": uuid4().hex,
        "sub": str(user.id),
        "sid": str(session.id),
        "aud": "parley",
        "iss": "parley",
    }
    return {name: value for name, value in (claims | changes).items() if value is not ...}


def signed(session: Session, user: User, **changes: Any) -> str:
    """A token with these claims, signed with the server's own key: whoever holds it could."""
    return _token({"alg": "HS256", "typ": "JWT"}, json.dumps(claims_of(session, user, **changes)).encode())


def forged(session: Session, user: User) -> list[tuple[str, str, str]]:
    """(what is wrong, the token, the code it must be refused with), for a session that stands."""
    good = claims_of(session, user)
    text = json.dumps(good).encode()
    now = good["iat"]
    header, payload, signature = signed(session, user).split(".")
    other = str(uuid4())
    hs256 = {"alg": "HS256", "typ": "JWT"}
    none = b'{"alg": "none", "typ": "JWT"}'
    tampered = text.replace(good["sub"].encode(), other.encode())

    cases = [
        ("alg none", jwt.encode(good, None, algorithm="none"), INVALID),
        ("alg none, a good signature", f"{_b64(none)}.{payload}.{signature}", INVALID),
        ("alg nOnE, no signature", f"{_b64(none.replace(b'none', b'nOnE'))}.{payload}.", INVALID),
        ("HS384 with our key", jwt.encode(good, KEY, algorithm="HS384"), INVALID),
        ("HS512 with our key", jwt.encode(good, KEY, algorithm="HS512"), INVALID),
        ("header says RS256, our HMAC", _token({"alg": "RS256", "typ": "JWT"}, text), INVALID),
        ("header says ES256, our HMAC", _token({"alg": "ES256", "typ": "JWT"}, text), INVALID),
        ("alg is a list", _token({"alg": ["HS256"]}, text), INVALID),
        ("alg is missing", _token({"typ": "JWT"}, text), INVALID),
        ("its own key in the header", _token(hs256 | {"jwk": {"kty": "oct", "k": ""}}, text, key="k" * 64), INVALID),
        ("kid is a list", _token(hs256 | {"kid": [1]}, text), INVALID),
        ("an unknown critical header", _token(hs256 | {"crit": ["x"], "x": 1}, text), INVALID),
        ("detached payload", _token(hs256 | {"b64": False, "crit": ["b64"]}, text), INVALID),
        ("another key", _token(hs256, text, key="x" * 64), INVALID),
        ("SECRET_KEY as key", _token(hs256, text, key=settings.SECRET_KEY), INVALID),
        ("an empty key", _token(hs256, text, key=""), INVALID),
        ("payload changed", f"{header}.{_b64(tampered)}.{signature}", INVALID),
        ("signature cut", f"{header}.{payload}.{signature[:-4]}", INVALID),
        ("no signature", f"{header}.{payload}.", INVALID),
        ("two parts", f"{header}.{payload}", INVALID),
        ("four parts", f"{header}.{payload}.{signature}.{signature}", INVALID),
        ("no base64", "not.a.token", INVALID),
        ("dots", "..", INVALID),
        ("a word", "token", INVALID),
        ("not ASCII", f"{header}.{payload}.{signature}é", INVALID),
        ("header nested 1,400 deep", f"{_b64(b'[' * 1400 + b']' * 1400)}.e30.{signature}", INVALID),
        ("payload nested 1,400 deep", _token(hs256, b"[" * 1400 + b"]" * 1400), INVALID),
        ("payload is a list", _token(hs256, b"[1]"), INVALID),
        ("payload is no JSON", _token(hs256, b"{"), INVALID),
        ("payload is no UTF-8", _token(hs256, b'{"sub": "\xff"}'), INVALID),
        ("500 kB", _token(hs256, json.dumps(good | {"pad": "x" * 375_000}).encode()), INVALID),
        ("a little over 4,096 characters", _token(hs256, json.dumps(good | {"pad": "x" * 3_000}).encode()), INVALID),
        ("a refresh token", signed(session, user, token_type="refresh"), INVALID),
        ("token_type is a list", signed(session, user, token_type=["access"]), INVALID),
        ("another issuer", signed(session, user, iss="elsewhere"), INVALID),
        ("issuer is a list", signed(session, user, iss=["parley"]), INVALID),
        ("another audience", signed(session, user, aud="elsewhere"), INVALID),
        ("other audiences", signed(session, user, aud=["elsewhere", "there"]), INVALID),
        ("audience is a number", signed(session, user, aud=1), INVALID),
        ("expired a second ago", signed(session, user, exp=now - 1), EXPIRED),
        ("expires now", signed(session, user, exp=now), EXPIRED),
        ("expired in 1970", signed(session, user, exp=0), EXPIRED),
        ("expired, of another kind", signed(session, user, exp=now - 1, token_type="refresh"), INVALID),
        ("issued in a minute", signed(session, user, iat=now + 60), INVALID),
        ("valid in a minute", signed(session, user, nbf=now + 60), INVALID),
        ("sub is another user", signed(session, user, sub=other), INVALID),
        ("sid is no session", signed(session, user, sid=other), ENDED),
    ]  # fmt: skip
    cases += [
        (f"no {name}", signed(session, user, **{name: ...}), INVALID)
        for name in ("exp", "iat", "jti", "sub", "sid", "iss", "aud", "token_type")
    ]
    odd = {
        "null": None,
        "a list": [1],
        "an object": {"a": 1},
        "true": True,
        "1e30": 1e30,
        "10**30": 10**30,
        "10**3000": 10**3000,
        "-1": -1,
        "Infinity": float("inf"),
        "NaN": float("nan"),
        "text": "abc",
        "empty": "",
        "NUL": "\x00",
        "a lone surrogate": "\ud800",
    }
    cases += [
        (f"{name} is {what}", signed(session, user, **{name: value}), INVALID)
        for name in ("exp", "iat", "nbf", "sub", "sid")
        for what, value in odd.items()
    ]
    cases += [
        (f"jti is {what}", signed(session, user, jti=value), INVALID)
        for what, value in odd.items()
        if not isinstance(value, str) or value == ""
    ]
    return cases


def _token(header: dict[str, Any], payload: bytes, *, key: str = KEY) -> str:
    """Any header over any bytes, signed by HMAC-SHA256 whatever the header says: PyJWT would refuse to."""
    head = f"{_b64(json.dumps(header).encode())}.{_b64(payload)}"
    return f"{head}.{_b64(hmac.new(key.encode(), head.encode(), hashlib.sha256).digest())}"


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
