"""Every setting, driven by the environment. What is not set has a safe default; units are in the names.

With DEBUG off, a long SECRET_KEY and ALLOWED_HOSTS must be given: the process refuses to start without.
"""

import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured
from django.utils.crypto import salted_hmac

from backend.logs import logging_config
from common.addresses import read_proxies
from common.hosts import LOCAL_ORIGIN

BASE_DIR = Path(__file__).resolve().parent.parent
VERSION: str = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["project"]["version"]
env = environ.Env()

# --- What must be known -----------------------------------------------------------------------

DEBUG: bool = env.bool("DEBUG", False)
SECRET_KEY: str = env.str("SECRET_KEY", "")
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=[])  # DEBUG adds one's own: common.hosts
if not SECRET_KEY:
    raise ImproperlyConfigured("SECRET_KEY is not set: a random text of at least 50 characters.")
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", default=[])
JWT_SIGNING_KEY: str = env.str("JWT_SIGNING_KEY", "")
# RFC 7518, section 3.2: a key of HS256 has 32 bytes. A shorter one can be guessed from any token.
for _name, _key in (("SECRET_KEY", SECRET_KEY), ("JWT_SIGNING_KEY", JWT_SIGNING_KEY)):
    if not DEBUG and 0 < len(_key) < 32:
        raise ImproperlyConfigured(f"{_name} is too short: a random text of at least 50 characters.")
if not DEBUG and not ALLOWED_HOSTS:
    raise ImproperlyConfigured("ALLOWED_HOSTS is not set: the host names clients reach Parley by.")

# Origins of browsers that may call, for CORS and the socket alike: https://app.example.com, …
ALLOWED_ORIGINS: list[str] = [origin.rstrip("/") for origin in env.list("ALLOWED_ORIGINS", default=[])]

# --- The wire: numbers a client meets -----------------------------------------------------------

MESSAGE_MAX_CHARS: int = env.int("MESSAGE_MAX_CHARS", 8_000)  # code points a message
SIGNAL_MAX_BYTES: int = env.int("SIGNAL_MAX_BYTES", 4_096)  # JSON of a signal's data
METADATA_MAX_BYTES: int = env.int("METADATA_MAX_BYTES", 4_096)  # JSON of a message's metadata
JSON_MAX_DEPTH: int = env.int("JSON_MAX_DEPTH", 32)  # objects and arrays inside each other, of both
MENTIONS_MAX_PER_MESSAGE: int = env.int("MENTIONS_MAX_PER_MESSAGE", 50)  # names looked for; more are text
BODY_MAX_BYTES: int = env.int("BODY_MAX_BYTES", 128 * 1024)  # JSON of a REST request
HEADER_MAX_BYTES: int = env.int("HEADER_MAX_BYTES", 64 * 1024)  # URL and headers of a request; more is 431
ACCEPT_MAX_CHARS: int = env.int("ACCEPT_MAX_CHARS", 1_000)  # of a request's Accept; more is read as any type
FRAME_MAX_BYTES: int = env.int("FRAME_MAX_BYTES", 128 * 1024)  # a frame from a client
BAD_FRAMES_PER_MINUTE: int = env.int("BAD_FRAMES_PER_MINUTE", 10)  # more of them close with 4400
AUTH_TIMEOUT_S: float = env.float("AUTH_TIMEOUT_S", 10.0)  # first `auth` frame of a socket without token
EXPIRY_NOTICE_S: float = env.float("EXPIRY_NOTICE_S", 60.0)  # `session.expiring` comes before the token ends
SUBSCRIBE_MAX_ROOMS: int = env.int("SUBSCRIBE_MAX_ROOMS", 500)  # rooms a subscribe frame
SOCKET_MAX_ROOMS: int = env.int("SOCKET_MAX_ROOMS", 5_000)  # subscriptions a socket
REPLAY_MAX_EVENTS: int = env.int("REPLAY_MAX_EVENTS", 5_000)  # missed in a room; more is `too_far_behind`
REPLAY_MAX_EVENTS_PER_FRAME: int = env.int("REPLAY_MAX_EVENTS_PER_FRAME", 20_000)  # … in one subscribe
EDITS_PER_MESSAGE: int = env.int("EDITS_PER_MESSAGE", 200)  # versions kept; one more is `forbidden`
MEMBERS_MAX_PER_REQUEST: int = env.int("MEMBERS_MAX_PER_REQUEST", 100)  # people added at once
ROOM_SEARCH_MAX_CHARS: int = env.int("ROOM_SEARCH_MAX_CHARS", 100)  # what is searched for among public rooms
ROOM_SEARCH_MAX_ROWS: int = env.int("ROOM_SEARCH_MAX_ROWS", 10_000)  # … looked through for a page
ROOM_SEARCH_MAX_WORDS: int = env.int("ROOM_SEARCH_MAX_WORDS", 10)  # … different ones at once
SEARCH_TIMEOUT_S: float = env.float("SEARCH_TIMEOUT_S", 1.0)  # PostgreSQL looks; then `unavailable`
SLOW_MODE_MAX_S: int = env.int("SLOW_MODE_MAX_S", 6 * 3_600)  # the slowest a room can be made
PAGE_MAX_BYTES: int = env.int("PAGE_MAX_BYTES", 1024 * 1024)  # about; a page of more ends early
IDS_MAX_PER_REQUEST: int = env.int("IDS_MAX_PER_REQUEST", 100)  # ids of one look-up

# --- Limits on one person or address ------------------------------------------------------------

# A burst is what may come at once; then it flows back at the rate. None can be switched off: raise it.
SENDS_PER_S: int = env.int("SENDS_PER_S", 20)  # messages and edits a person
SENDS_BURST: int = env.int("SENDS_BURST", 100)  # … at once
REQUESTS_PER_S: int = env.int("REQUESTS_PER_S", 50)  # REST a person; an address where nobody is logged in
REQUESTS_BURST: int = env.int("REQUESTS_BURST", 200)  # … at once
REQUESTS_AT_ONCE: int = env.int("REQUESTS_AT_ONCE", 16)  # under way, until the answer is read; others wait …
REQUEST_TURN_S: float = env.float("REQUEST_TURN_S", 5.0)  # … so long for their turn, then 429
FRAMES_PER_S: int = env.int("FRAMES_PER_S", 100)  # from all sockets of a person; an address before `auth`
FRAMES_BURST: int = env.int("FRAMES_BURST", 200)  # … at once; so many in a minute that did not wait: 4429
HANDSHAKES_PER_S: int = env.int("HANDSHAKES_PER_S", 50)  # sockets a person opens; an address
HANDSHAKES_BURST: int = env.int("HANDSHAKES_BURST", 500)  # … at once; one more is closed with 4429
SUBSCRIBED_ROOMS_PER_S: int = env.int("SUBSCRIBED_ROOMS_PER_S", 5_000)  # by all sockets of a person
SUBSCRIBED_ROOMS_BURST: int = env.int("SUBSCRIBED_ROOMS_BURST", 50_000)  # … at once
ROOMS_PER_PERSON: int = env.int("ROOMS_PER_PERSON", 5_000)  # rooms one is in; one more is 403 …
ROOMS_PER_PERSON_BY_OTHERS: int = env.int("ROOMS_PER_PERSON_BY_OTHERS", 4_000)  # … from here on for others
ADDED_PEOPLE_PER_MINUTE: int = env.int("ADDED_PEOPLE_PER_MINUTE", 600)  # others put into rooms by a person
ADDED_PEOPLE_BURST: int = env.int("ADDED_PEOPLE_BURST", 1_000)  # … at once
SOCKETS_PER_PERSON: int = env.int("SOCKETS_PER_PERSON", 20)  # one more is closed with 4408
UNKNOWN_SOCKETS_PER_ADDRESS: int = env.int("UNKNOWN_SOCKETS_PER_ADDRESS", 100)  # not yet authenticated
PLACE_LEASE_S: int = env.int("PLACE_LEASE_S", 15)  # so long the sockets of a crashed process still count
JOINS_PER_ROOM_PER_HOUR: int = env.int("JOINS_PER_ROOM_PER_HOUR", 20)  # of a person; as many at once
SEARCHES_PER_MINUTE: int = env.int("SEARCHES_PER_MINUTE", 60)  # of public rooms and people, a person
SEARCHES_BURST: int = env.int("SEARCHES_BURST", 30)  # … at once
REGISTRATIONS_PER_MINUTE: int = env.int("REGISTRATIONS_PER_MINUTE", 10)  # an address
REGISTRATIONS_BURST: int = env.int("REGISTRATIONS_BURST", 20)  # … at once
WRONG_LOGINS_PER_MINUTE: int = env.int("WRONG_LOGINS_PER_MINUTE", 10)  # an address; a name from anywhere
WRONG_LOGINS_FREE: int = env.int("WRONG_LOGINS_FREE", 5)  # of a name from one address …
WRONG_LOGIN_WAIT_S: int = env.int("WRONG_LOGIN_WAIT_S", 30)  # … and then one so often
LOGINS_PER_MINUTE: int = env.int("LOGINS_PER_MINUTE", 30)  # right ones of a person, password changes too
SESSIONS_PER_PERSON: int = env.int("SESSIONS_PER_PERSON", 100)  # one more ends the one not used for longest
EMAILS_PER_HOUR: int = env.int("EMAILS_PER_HOUR", 5)  # other e-mail addresses a person may try to take
BOTS_PER_DAY: int = env.int("BOTS_PER_DAY", 20)  # a person makes, those deleted since too
for _name in (
    "SENDS_PER_S", "SENDS_BURST", "REQUESTS_PER_S", "REQUESTS_BURST", "FRAMES_PER_S", "FRAMES_BURST",
    "SOCKETS_PER_PERSON", "UNKNOWN_SOCKETS_PER_ADDRESS", "REGISTRATIONS_PER_MINUTE", "REGISTRATIONS_BURST",
    "WRONG_LOGINS_PER_MINUTE", "WRONG_LOGINS_FREE", "WRONG_LOGIN_WAIT_S",
    "PLACE_LEASE_S", "BOTS_PER_DAY", "SEARCHES_PER_MINUTE", "SEARCHES_BURST",
    "JOINS_PER_ROOM_PER_HOUR",
    "REQUESTS_AT_ONCE", "HANDSHAKES_PER_S", "HANDSHAKES_BURST", "SUBSCRIBED_ROOMS_PER_S", "SUBSCRIBED_ROOMS_BURST", "ROOMS_PER_PERSON",
    "ROOMS_PER_PERSON_BY_OTHERS", "ADDED_PEOPLE_PER_MINUTE", "ADDED_PEOPLE_BURST",
    "LOGINS_PER_MINUTE", "SESSIONS_PER_PERSON", "EMAILS_PER_HOUR",
):  # fmt: skip
    if globals()[_name] < 1:
        raise ImproperlyConfigured(f"{_name} must be at least 1; to allow everything give a large number.")

# --- Delivery: the hub --------------------------------------------------------------------------

HUB_CHECK_S: float = env.float("HUB_CHECK_S", 20.0)  # positions compared with the database
HUB_CHECK_BUS_DOWN_S: float = env.float("HUB_CHECK_BUS_DOWN_S", 1.0)  # … while the bus fails
HUB_FIRST_CHECK_S: float = env.float("HUB_FIRST_CHECK_S", 1.0)  # … after a room's first subscription
HUB_GAP_GRACE_S: float = env.float("HUB_GAP_GRACE_S", 0.02)  # a later event may overtake an earlier one
BUS_HEARTBEAT_S: float = env.float("BUS_HEARTBEAT_S", 0.4)  # two missing: the bus fails
BUS_TIMEOUT_S: float = env.float("BUS_TIMEOUT_S", 2.0)  # a publication or subscription that hangs
BUS_QUEUE_MAX_BYTES: int = env.int("BUS_QUEUE_MAX_BYTES", 8 * 1024 * 1024)  # waiting for a slow bus
BUS_MESSAGE_MAX_BYTES: int = env.int("BUS_MESSAGE_MAX_BYTES", 256 * 1024)  # of one publication
NOTICE_MAX_PEOPLE: int = env.int("NOTICE_MAX_PEOPLE", 1_000)  # told by notice that their room was deleted
SOCKET_QUEUE_MAX_BYTES: int = env.int("SOCKET_QUEUE_MAX_BYTES", 1024 * 1024)  # owed; half of it live
SOCKET_HINTS_MAX_BYTES: int = env.int("SOCKET_HINTS_MAX_BYTES", 64 * 1024)  # owed; then hints are dropped
SOCKET_STALL_S: float = env.float("SOCKET_STALL_S", 10.0)  # took nothing of what was sent: 1013
SOCKET_CLOSE_S: float = env.float("SOCKET_CLOSE_S", 5.0)  # to answer a close before the line is cut
SOCKET_CLOSE_SPREAD_S: float = env.float("SOCKET_CLOSE_SPREAD_S", 3.0)  # over which a stop closes many
SOCKET_INBOX_MAX_FRAMES: int = env.int("SOCKET_INBOX_MAX_FRAMES", 256)  # read ahead of their turn
SOCKET_INBOX_MAX_BYTES: int = env.int("SOCKET_INBOX_MAX_BYTES", 512 * 1024)  # … and their JSON
SOCKET_CONTROLS_PER_S: int = env.int("SOCKET_CONTROLS_PER_S", 100)  # pings and pongs from a client
SOCKET_FRAGMENTS_MAX: int = env.int("SOCKET_FRAGMENTS_MAX", 1_000)  # of one frame from a client
SOCKET_PING_S: float = env.float("SOCKET_PING_S", 15.0)  # WebSocket ping
SOCKET_PING_TIMEOUT_S: float = env.float("SOCKET_PING_TIMEOUT_S", 40.0)  # … and its answer
SOCKET_SILENT_S: float = env.float("SOCKET_SILENT_S", 10.0)  # no answer: gives its place to a new socket
SOCKET_SEND_BUFFER_BYTES: int = env.int("SOCKET_SEND_BUFFER_BYTES", 256 * 1024)  # the kernel's, SO_SNDBUF
SOCKET_REPLAY_AHEAD_BYTES: int = env.int("SOCKET_REPLAY_AHEAD_BYTES", 64 * 1024)  # replayed, not yet taken
REPLAY_PAGE_EVENTS: int = env.int("REPLAY_PAGE_EVENTS", 100)  # read from the log at once
REPLAY_PAGE_BYTES: int = env.int("REPLAY_PAGE_BYTES", 256 * 1024)  # … a socket and room
GAP_REPAIR: bool = env.bool("GAP_REPAIR", True)  # off only to show in tests what then is lost

# --- Stores -------------------------------------------------------------------------------------

DATABASE_URL: str = env.str("DATABASE_URL", f"sqlite:///{BASE_DIR}/db.sqlite3")
REDIS_URL: str = env.str("REDIS_URL", "")
REDIS_PREFIX: str = env.str("REDIS_PREFIX", "parley")
DATABASE_POOL_SIZE: int = env.int("DATABASE_POOL_SIZE", 12)  # connections a process
DATABASE_POOL_WAIT_S: float = env.float("DATABASE_POOL_WAIT_S", 5.0)  # for a free one; then `unavailable`
DATABASE_CONNECT_S: int = env.int("DATABASE_CONNECT_S", 5)
DATABASE_STATEMENT_S: float = env.float("DATABASE_STATEMENT_S", 15.0)  # PostgreSQL's statement_timeout
SOCKET_DATABASE_THREADS: int = env.int("SOCKET_DATABASE_THREADS", 4)  # reads for sockets at once
SEND_BATCH_MAX: int = env.int("SEND_BATCH_MAX", 500)  # messages of one transaction
SEND_QUEUE_MAX: int = env.int("SEND_QUEUE_MAX", 10_000)  # waiting for it; more get `unavailable`
ROOM_PURGE_AFTER_S: int = env.int("ROOM_PURGE_AFTER_S", 86_400)  # rows of a deleted room are kept that long
SESSION_PURGE_AFTER_S: int = env.int("SESSION_PURGE_AFTER_S", 30 * 86_400)  # … of a session that is over
PURGE_BATCH_ROWS: int = env.int("PURGE_BATCH_ROWS", 500)  # … and then go so many at once
HOUSEKEEPING_S: float = env.float("HOUSEKEEPING_S", 3_600.0)  # about so often such rows are looked for
HOUSEKEEPING_PAUSE_S: float = env.float("HOUSEKEEPING_PAUSE_S", 0.05)  # between two batches


def _database() -> dict[str, Any]:
    """Django's DATABASES["default"] for DATABASE_URL: pooled PostgreSQL, or SQLite as it must be run."""
    config: dict[str, Any] = dict(environ.Env.db_url_config(DATABASE_URL))
    options: dict[str, Any] = dict(config.get("OPTIONS", {}))
    if config["ENGINE"] == "django.db.backends.sqlite3":
        # IMMEDIATE: a transaction that reads first and then writes must not find the database locked.
        # FULL: an acknowledged commit survives a power cut.
        options |= {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-16000;",
        }
        config["TEST"] = {"NAME": f"{config['NAME']}.test"}
    else:
        # Under ASGI each request is its own thread: without a pool each would open a connection.
        options |= {
            "pool": {
                "min_size": 1,
                "max_size": DATABASE_POOL_SIZE,
                "timeout": DATABASE_POOL_WAIT_S,
                # Then it gives up, and the next request tries at once. By itself it waits twice as long each
                # time: after an outage of a minute it would stay away for another.
                "reconnect_timeout": DATABASE_POOL_WAIT_S,
            },
            "connect_timeout": DATABASE_CONNECT_S,
            "server_side_binding": True,  # what the writer's prepared statements need (common.db)
            "keepalives_idle": 15,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            # jit: what it compiles for 50 ms is run once; and it starts where statistics are merely old.
            "options": f"-c statement_timeout={int(DATABASE_STATEMENT_S * 1000)} -c timezone=UTC -c jit=off",
        }
        config["ENGINE"] = "common.postgresql"  # which checks what it takes from the pool
    config["OPTIONS"] = options
    return config


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

if REDIS_URL:
    CHANNEL_LAYERS: dict[str, Any] = {
        "default": {
            "BACKEND": env.str("CHANNEL_LAYER", "realtime.redis_layer.PipelinedRedisLayer"),
            "CONFIG": {
                # redis-py 8 gives up on a silent connection after 5 s, which kills the layer's readers
                # (https://github.com/django/channels_redis/issues/422); its pool of 100 is too small
                # for a reconnect storm.
                "hosts": [{"address": REDIS_URL, "socket_timeout": 15, "max_connections": 1000}],
                "prefix": REDIS_PREFIX,
            },
        }
    }
    CACHES: dict[str, Any] = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    }
else:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": env.str("CHANNEL_LAYER", "channels.layers.InMemoryChannelLayer"),
            # One channel a process takes all of it: 100, the default, would be lost in one burst.
            "CONFIG": {"capacity": 10_000, "expiry": 60},
        }
    }
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# --- Serving ------------------------------------------------------------------------------------

HOST: str = env.str("HOST", "127.0.0.1")
PORT: int = env.int("PORT", 8000)
WORKERS: int = env.int("WORKERS", 1)
REQUEST_HEAD_S: float = env.float("REQUEST_HEAD_S", 10.0)  # from the first byte to the end of the headers
REQUEST_BODY_S: float = env.float("REQUEST_BODY_S", 15.0)  # … from there to the end of the body
REQUESTS_PIPELINED_MAX: int = env.int("REQUESTS_PIPELINED_MAX", 8)  # on a line, behind one; more cut it
RESPONSE_STALL_S: float = env.float("RESPONSE_STALL_S", 10.0)  # … of reading an answer too slowly: it is cut
RESPONSE_MIN_BYTES_PER_S: int = env.int("RESPONSE_MIN_BYTES_PER_S", 4_096)  # over that time, of a large one
FORWARDED_ALLOW_IPS: str = env.str("FORWARDED_ALLOW_IPS", "")  # proxies whose X-Forwarded-* is believed
try:
    read_proxies(FORWARDED_ALLOW_IPS)
except ValueError as error:
    raise ImproperlyConfigured(f"FORWARDED_ALLOW_IPS: addresses and networks by commas; {error}.") from None
DRAIN_S: int = env.int("DRAIN_S", 10)  # for requests and frames under way when a worker stops
WORKER_START_S: float = env.float("WORKER_START_S", 30.0)  # for a renewed worker to answer
DOCS_ENABLED: bool = env.bool("DOCS_ENABLED", DEBUG)
ADMIN_ENABLED: bool = env.bool("ADMIN_ENABLED", False)  # the pages for operators
ADMIN_PATH: str = env.str("ADMIN_PATH", "admin").strip("/") + "/"  # where they are, below the root
ADMIN_SESSION_S: int = env.int("ADMIN_SESSION_S", 8 * 3_600)  # an operator stays logged in to them
LOG_LEVEL: str = env.str("LOG_LEVEL", "INFO")
LOG_JSON: bool = env.bool("LOG_JSON", not DEBUG)
LOGGING_CONFIG = "backend.logs.set_up"
LOGGING = logging_config(level=LOG_LEVEL, as_json=LOG_JSON)

INSTALLED_APPS = [
    "daphne",  # before staticfiles: makes runserver speak WebSocket
    "corsheaders",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    # Installed whether or not the admin is on: what `migrate` makes must not depend on a switch.
    "backend.apps.OperatorConfig",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "accounts",
    "rooms",
    "messaging",
    "gateway",
    "openapi",
]
MIDDLEWARE = [
    "backend.middleware.RequestIdMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "backend.limits.RequestLimitMiddleware",  # before the files: who reads one slowly keeps it in memory
    "backend.middleware.StaticFilesMiddleware",
    "backend.middleware.HostMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    *(["backend.operators.OperatorMiddleware"] if ADMIN_ENABLED else []),
]
ROOT_URLCONF = "backend.urls"
ASGI_APPLICATION = "backend.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "backend" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True  # no collectstatic step: only the documents and the admin have files
WHITENOISE_AUTOREFRESH = False
WHITENOISE_ALLOW_ALL_ORIGINS = False
APPEND_SLASH = False  # a redirect would lose a POST's body
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
FORMAT_MODULE_PATH = "backend.formats"  # of the admin's times
DATA_UPLOAD_MAX_MEMORY_SIZE = BODY_MAX_BYTES

# --- Security -----------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.OperatorBackend"]  # of the admin: the API has its tokens
PASSWORD_HASHERS = ["accounts.hashers.PasswordHasher"]
PASSWORD_HASHES_AT_ONCE: int = env.int("PASSWORD_HASHES_AT_ONCE", 2)  # a process; 19 MiB and a core each
PASSWORD_HASH_WAIT_S: float = env.float("PASSWORD_HASH_WAIT_S", 5.0)  # for a turn; then `unavailable`
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "UserAttributeSimilarityValidator")
]
SECURE_SSL_REDIRECT: bool = env.bool("SECURE_SSL_REDIRECT", not DEBUG)
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS: int = env.int("SECURE_HSTS_SECONDS", 0 if DEBUG else 31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = not DEBUG
SECURE_HSTS_PRELOAD = not DEBUG
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_TLS_PROXY", False) else None
SECURE_REFERRER_POLICY = "same-origin"
# Cookies are the admin's alone: no browser sends them to the API, nor along from another site.
SESSION_COOKIE_NAME = "parley_admin"
SESSION_COOKIE_AGE = ADMIN_SESSION_S
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = f"/{ADMIN_PATH}"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Strict"
X_FRAME_OPTIONS = "DENY"
# No cookie authenticates anything but in the admin, whose views each check for forged requests themselves;
# and what the admin's own checks miss in MIDDLEWARE, backend.operators does for its path alone.
SILENCED_SYSTEM_CHECKS = ["security.W003", "admin.E408", "admin.E409", "admin.E410"]

CORS_ALLOWED_ORIGINS = ALLOWED_ORIGINS
CORS_ALLOWED_ORIGIN_REGEXES = [LOCAL_ORIGIN] if DEBUG else []
CORS_ALLOW_CREDENTIALS = False
CORS_ALLOW_HEADERS = [
    "accept",
    "authorization",
    "content-type",
    "if-none-match",
    "last-event-id",
    "x-request-id",
]
CORS_EXPOSE_HEADERS = [
    "Retry-After", "X-Request-ID", "RateLimit", "RateLimit-Policy",
    "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "ETag",
]  # fmt: skip

ACCESS_TOKEN_S: int = env.int("ACCESS_TOKEN_S", 600)
REFRESH_TOKEN_S: int = env.int("REFRESH_TOKEN_S", 30 * 86_400)
REFRESH_GRACE_S: int = env.int("REFRESH_GRACE_S", 30)  # a used refresh token answers that long
BOTS_MAX_PER_USER: int = env.int("BOTS_MAX_PER_USER", 20)  # bots of one person
TOKENS_MAX_PER_BOT: int = env.int("TOKENS_MAX_PER_BOT", 20)  # API tokens of one bot, expired ones too
SIMPLE_JWT = {
    "ALGORITHM": "HS256",
    # A key of its own, so that nothing else that is signed with SECRET_KEY can pass for a token.
    "SIGNING_KEY": JWT_SIGNING_KEY
    or salted_hmac("parley.jwt", "signing key", secret=SECRET_KEY, algorithm="sha256").hexdigest(),
    "ACCESS_TOKEN_LIFETIME": timedelta(seconds=ACCESS_TOKEN_S),
    "REFRESH_TOKEN_LIFETIME": timedelta(seconds=REFRESH_TOKEN_S),
    "ISSUER": "parley",
    "AUDIENCE": "parley",
    "LEEWAY": 0,
    "USER_ID_CLAIM": "sub",
}

# --- REST and its documents ---------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.authentication.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["common.rest.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["common.rest.JSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "common.rest.FirstRenderer",
    "DEFAULT_METADATA_CLASS": "common.rest.Methods",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "backend.errors.exception_handler",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Parley",
    "DESCRIPTION": (
        "A chat backend: REST for everything, a WebSocket (`/ws/v1/`) for what happens now.\n\n"
        "Errors are `application/problem+json` (RFC 9457); switch on their `code`. Ids are opaque, times "
        "are UTC, lists are paged by cursor. Later releases of v1 only add: ignore fields "
        "you do not know, and accept codes, types of events and other values you do not know."
    ),
    "VERSION": VERSION,
    "LICENSE": {"name": "MIT", "identifier": "MIT"},
    "OAS_VERSION": "3.1.1",
    "COMPONENT_SPLIT_REQUEST": True,
    "SORT_OPERATIONS": False,  # as in urls.py: registering comes before logging out
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "SERVERS": [{"url": "/", "description": "This server"}],
    "SERVE_AUTHENTICATION": [],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "openapi.hooks.add_components",
    ],
    "TAGS": [
        {"name": "auth", "description": "Registering, logging in, tokens and sessions."},
        {"name": "users", "description": "Profiles, one's own and others', and whom one blocks."},
        {"name": "rooms", "description": "Rooms, who is in them, and what they are to me."},
        {"name": "members", "description": "Members of a room, their roles, bans."},
        {"name": "messages", "description": "Messages: history, sending, editing, deleting."},
        {"name": "events", "description": "The numbered log of a room, for those without a WebSocket."},
        {"name": "bots", "description": "Bots and their tokens."},
        {"name": "service", "description": "For operators: is it alive, can it serve?"},
    ],
}
