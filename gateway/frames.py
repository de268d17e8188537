"""The socket's error map, and the frames that need a setting or the clock."""

from django.conf import settings
from msgspec import UNSET

from accounts.access import Identity
from common import clock
from common.errors import ParleyError
from realtime.protocol import Error, Limits, Welcome, encode_frame

PING_INTERVAL_S = 25
SILENCE_TIMEOUT_S = 60


def error_frame(frame_id: str | int | None, error: ParleyError) -> str:
    """The `error` frame for `error`; `frame_id` is None when it answers no frame."""
    return encode_frame(
        Error(
            id=frame_id,
            code=error.code,
            detail=error.detail,
            errors=error.errors or UNSET,
            retry_after=error.retry_after_s if error.retry_after_s is not None else UNSET,
        )
    )


def ready_frame(text: str) -> bytes:
    """`text` as an unmasked WebSocket text frame (RFC 6455, section 5.2): what a server writes."""
    payload = text.encode()
    size = len(payload)
    if size < 126:
        return b"\x81" + size.to_bytes(1, "big") + payload
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


def closing_frame(code: str, detail: str) -> str:
    """The `error` frame before a close: clients go by its `code`."""
    return encode_frame(Error(id=None, code=code, detail=detail))


def welcome_frame(identity: Identity, epoch: str) -> str:
    """The first frame of an authenticated socket."""
    return encode_frame(
        Welcome(
            user=identity.user,
            session=identity.session,
            expires_at=identity.expires_at,
            epoch=epoch,
            server_time=clock.now(),
            limits=Limits(
                frame_max_bytes=settings.FRAME_MAX_BYTES,
                message_max_chars=settings.MESSAGE_MAX_CHARS,
                metadata_max_bytes=settings.METADATA_MAX_BYTES,
                signal_max_bytes=settings.SIGNAL_MAX_BYTES,
                subscribe_max_rooms=settings.SUBSCRIBE_MAX_ROOMS,
                socket_max_rooms=settings.SOCKET_MAX_ROOMS,
                replay_max_events=settings.REPLAY_MAX_EVENTS,
                replay_max_events_per_frame=settings.REPLAY_MAX_EVENTS_PER_FRAME,
                sends_per_s=settings.SENDS_PER_S,
                sends_burst=settings.SENDS_BURST,
                frames_per_s=settings.FRAMES_PER_S,
                frames_burst=settings.FRAMES_BURST,
                requests_per_s=settings.REQUESTS_PER_S,
                requests_burst=settings.REQUESTS_BURST,
                sockets_per_person=settings.SOCKETS_PER_PERSON,
                ping_interval_s=PING_INTERVAL_S,
                silence_timeout_s=SILENCE_TIMEOUT_S,
            ),
        )
    )
