"""Logs: structlog on top of the standard library, JSON in production, with request and connection ids.

No token and no message body is ever logged; what is logged is chosen field by field, and what
looks like a JWT is blanked all the same, because libraries below us log what they like.
"""

import logging
import logging.config
import re
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

# Each run of these characters is looked at once, from its start, and never again: whoever sends 60 kB of
# "eyJeyJ…" must not hold everybody up. What stands in the run before the token (%3DeyJ…) stays.
_JWT = re.compile(r"(?<![\w-])(?>([\w-]*?)eyJ)[\w-]{5,}+\.[\w-]++(?:\.[\w-]*+)?")

# What uvicorn's websockets_sansio_impl logs as an error when a client's text frame is no UTF-8.
_NO_UTF8 = "Invalid UTF-8 sequence received from client."


def blank_tokens(_logger: Any, _name: str, event: EventDict) -> EventDict:
    """Blank whatever looks like a JWT in any text of an event."""
    for key, value in event.items():
        if isinstance(value, str) and "eyJ" in value:
            event[key] = _JWT.sub(r"\1[token]", value)
    return event


def _has_traceback(record: logging.LogRecord) -> bool:
    return record.exc_info is not None


def _as_a_clients_fault(record: logging.LogRecord) -> bool:
    """Passes every record on; that of a broken text frame as a line of INFO, without its traceback.

    A client has it for eight bytes; what else uvicorn logs with a traceback is a bug, ours or its own.
    """
    if record.msg == _NO_UTF8:
        record.levelno, record.levelname, record.exc_info = logging.INFO, "INFO", None
    return True


def logging_config(*, level: str, as_json: bool) -> dict[str, Any]:
    """A `logging.config.dictConfig` that sends everything through structlog; see `set_up`."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.PositionalArgumentsFormatter(),
    ]
    last: list[Processor] = (
        [structlog.processors.format_exc_info, blank_tokens, structlog.processors.JSONRenderer()]
        if as_json
        else [structlog.processors.format_exc_info, blank_tokens, structlog.dev.ConsoleRenderer(colors=False)]
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structlog": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
            }
        },
        "filters": {
            "with_traceback": {"()": "django.utils.log.CallbackFilter", "callback": _has_traceback},
            "clients_fault": {"()": "django.utils.log.CallbackFilter", "callback": _as_a_clients_fault},
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structlog"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Django gave it handlers of its own; naming it here takes them away.
            "django": {},
            # Its lines at INFO hold whole URLs with their query strings.
            "uvicorn": {"level": "WARNING"},
            "uvicorn.error": {"filters": ["clients_fault"]},
            "daphne": {"level": "WARNING"},
            # It logs a traceback a second while Redis is away; our own bus says so once (gateway.bus).
            "channels_redis": {"level": "CRITICAL"},
            # An answer is no event worth a warning: `request` has its status. A bug comes with its traceback.
            "django.request": {"level": "ERROR", "filters": ["with_traceback"]},
            # A traceback for each Host header that is not ours is what scanners would fill the log with.
            "django.security": {"level": "CRITICAL"},
            "django.channels.server": {"level": "WARNING"},
        },
    }


def set_up(config: dict[str, Any]) -> None:
    """Configure both libraries; called once a process, by backend/asgi.py and the commands."""
    logging.config.dictConfig(config)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,  # tests look at what is logged
    )
