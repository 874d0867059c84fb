"""Django's settings, in sections. What differs between machines comes from `config.env`; nothing else reads the environment."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.templatetags.static import static
from unfold.contrib.constance.settings import UNFOLD_CONSTANCE_ADDITIONAL_FIELDS

from config.env import Environment, Review, Stage, read
from config.logging import logging_config

ENV = read()
DATA_DIR = ENV.data_dir.resolve()
DATA_DIR.mkdir(parents=True, exist_ok=True)
VERSION = version("voice-platform")

# ── Django ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────
SECRET_KEY = ENV.secret()
DEBUG = ENV.debug
ALLOWED_HOSTS = list(ENV.allowed_hosts)
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
FORMAT_MODULE_PATH = "config.formats"
APPEND_SLASH = False
NOTIFY_SOCKET = ENV.notify_socket
LOGGING = logging_config(ENV.log_level)
LOGGING_CONFIG = "logging.config.dictConfig"
LOG_ONE_IN = ENV.log_one_in

# ── Metrics and traces ──────────────────────────────────────────────────────────────────────────────────────────────────────
METRICS_PORT = ENV.metrics_port
METRICS_HOST = ENV.metrics_host
METRICS_READERS = ENV.metrics_readers
METRICS_TOKEN = ENV.metrics_token
OTLP_ENDPOINT = ENV.otel_exporter_otlp_endpoint
OTLP_HEADERS = ENV.otel_exporter_otlp_headers
OTLP_SERVICE = ENV.otel_service_name
OTLP_SHARE = ENV.otel_traces_sampler_arg

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",  # the admin's looks; it replaces templates of Django's, so it stands first
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.constance",
    "config.apps.DeskConfig",  # django.contrib.admin, with a front page
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "constance",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "config.apps.Config",
    "accounts",
    "jobs",
    "voice",
]
MIDDLEWARE = [
    "config.api.Requests",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent / "templates"],  # what stands here in place of the theme's is found first
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
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"

# ── Desk ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
UNFOLD = {
    "SITE_TITLE": "Voice platform",
    "SITE_HEADER": "Voice platform",
    "SITE_ICON": lambda _request: static("page/icon.svg"),
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("page/icon.svg")}],
    "ENVIRONMENT": lambda _request: [ENV.environment.capitalize(), "danger" if ENV.environment is Stage.PRODUCTION else "info"],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "LOGIN": {"form": "accounts.forms.SignInForm"},
    "STYLES": [lambda _request: static("desk/desk.css")],
    "SCRIPTS": [lambda _request: static("desk/desk.js")],
    "SIDEBAR": {"navigation": "config.desk.navigation.navigation", "show_search": True, "command_search": True},
    "COMMAND": {"search_callback": "config.desk.navigation.found"},
    "ACCOUNT": {"navigation": "config.desk.navigation.account"},
}

# ── Data ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _database(url: str) -> dict[str, Any]:
    if not url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": DATA_DIR / "voice.sqlite3",
            "TEST": {"NAME": DATA_DIR / "test.sqlite3"},  # a file like the real one; shared memory locks whole tables
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",  # DEFERRED was measured to answer "database is locked"
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            },
        }
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 0,  # the pool keeps them; Django must not
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "pool": {"min_size": 1, "max_size": ENV.database_pool, "timeout": 5},
            "options": "-c statement_timeout=10s -c lock_timeout=3s -c idle_in_transaction_session_timeout=30s",
        },
    }


def _impatient(redis_url: str) -> str:
    """The URL with time limits: for clients that are only given a URL."""
    return f"{redis_url}{'&' if urlsplit(redis_url).query else '?'}socket_timeout=3&socket_connect_timeout=3"


DATABASES = {"default": _database(ENV.database_url)}
REDIS_URL = ENV.redis_url
BROKER_URL = ENV.broker_url or ENV.redis_url
# where the workers agree on which of them sends what is due at set times
DRAMATIQ_CRONTAB = {"REDIS_URL": _impatient(BROKER_URL), "LOCK_BLOCKING_TIMEOUT": 0} if BROKER_URL else {}
CACHES: dict[str, Any] = {
    "default": (
        {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": REDIS_URL,
            "KEY_PREFIX": "voice",
            "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 2},
        }
        if REDIS_URL
        else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    )
}
CHANNEL_LAYERS: dict[str, Any] = {
    "default": (
        {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [REDIS_URL]}}
        if REDIS_URL
        else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
    )
}


def _outputs() -> dict[str, Any]:
    """Where outputs are kept: a folder, or a bucket."""
    if not ENV.s3_bucket:
        return {"BACKEND": "jobs.storage.Folder", "OPTIONS": {"location": DATA_DIR / "outputs", "file_permissions_mode": 0o640}}
    from botocore.config import Config

    options = {
        "bucket_name": ENV.s3_bucket,
        "endpoint_url": ENV.s3_endpoint_url or None,
        "region_name": ENV.s3_region or None,
        "access_key": ENV.s3_access_key_id or None,
        "secret_key": ENV.s3_secret_access_key or None,
        "default_acl": None,  # as the bucket says: nothing is public
        "file_overwrite": True,  # what has the same name is the same
        # one that hangs must not hang its worker
        "client_config": Config(connect_timeout=2, read_timeout=4, retries={"total_max_attempts": 2, "mode": "standard"}),
    }
    return {"BACKEND": "jobs.bucket.Bucket", "OPTIONS": options}


STORAGES = {
    "default": _outputs(),
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
ACCEL_PREFIX = ENV.accel_prefix
PARTS_DIR = DATA_DIR / "parts"  # outputs that are being made

# ── Accounts ────────────────────────────────────────────────────────────────────────────────────────────────────────────────
AUTH_USER_MODEL = "accounts.User"
LOGIN_REDIRECT_URL = "/admin/"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
SIMPLE_JWT = {
    "ALGORITHM": "HS256",
    # a key of its own, so that nothing else that SECRET_KEY signs passes for a token
    "SIGNING_KEY": hmac.new(SECRET_KEY.encode(), b"voice-platform tokens", hashlib.sha256).hexdigest(),
    "AUDIENCE": "voice-platform",
    "ISSUER": "voice-platform",
    "LEEWAY": 10,
    "TOKEN_TYPE_CLAIM": "typ",
    "USER_ID_CLAIM": "sub",
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=ENV.access_minutes),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=ENV.refresh_days),
}
SIGN_IN_LIFETIME = timedelta(days=ENV.sign_in_days)
SIGN_IN_RATE = ENV.sign_in_rate
ADDRESS_RATE = ENV.address_rate
WRITE_RATE = ENV.write_rate
TRUSTED_PROXIES = ENV.proxies
AUDIT_FOR = timedelta(days=ENV.audit_days)
# the counters live in one process when everything does, and in Redis otherwise
SILENCED_SYSTEM_CHECKS = [
    "django_ratelimit.E003",
    "django_ratelimit.W001",
    "security.W008",  # TLS ends at the proxy, and an API must not answer plain HTTP with a redirect that carries a token along
]

# ── Work ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
EMBEDDED = ENV.embedded
WORKER_THREADS = ENV.worker_threads
LIVE_THREADS = ENV.live_threads
WORKER_QUEUES = ENV.worker_queues
LEASE = timedelta(seconds=ENV.lease_seconds)
ITEM_TIME_LIMIT = timedelta(seconds=ENV.item_seconds)
MAX_ATTEMPTS = ENV.max_attempts
MAX_QUEUED = ENV.max_queued
STREAM_BYTES = ENV.stream_bytes
STREAM_LIFETIME = timedelta(seconds=ENV.stream_seconds)

# ── Voice ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────
WEBHOOK_PRIVATE = ENV.webhook_private
MAX_UPLOAD_BYTES = ENV.max_upload_bytes
MAX_UPLOAD_SECONDS = ENV.max_upload_seconds
DECODE_SECONDS = ENV.decode_seconds
MAX_INPUT_CHARACTERS = ENV.max_input_characters
TEST_ENGINES = ENV.test_engines
UPSTREAMS = ENV.upstreams
MODELS_DIR = ENV.models_dir or DATA_DIR / "models"
DEVICE = ENV.device
DEVICE_THREADS = ENV.device_threads
MODEL_MEMORY = ENV.model_memory_mib << 20
MODEL_IDLE = ENV.model_idle_seconds
MODEL_PATIENCE = ENV.model_wait_seconds
PRELOAD_MODELS = ENV.preload_models
BATCH_WINDOW = ENV.batch_window_ms / 1000
BATCH_SIZE = ENV.batch_size
LIVE_DETECTOR = ENV.live_detector
CONSENT_REVIEW = ENV.consent_review
CONSENT_TRANSCRIBER = ENV.consent_transcriber
CONSENT_PHRASES = ENV.consent_phrases
CONSENT_REVOKED_OUTPUTS = ENV.consent_revoked_outputs
LIVE_SESSION = timedelta(seconds=ENV.live_session_seconds)
LIVE_RESUME = timedelta(seconds=ENV.live_resume_seconds)
RESPONDER = ENV.responder
CHAT_URL = ENV.chat_url
CHAT_KEYS = ENV.chat_keys
CHAT_MODEL = ENV.chat_model
CHAT_FIRST_SECONDS = ENV.chat_first_seconds
CHAT_NEXT_SECONDS = ENV.chat_next_seconds
CHAT_FALLBACK = ENV.chat_fallback
CONDITIONING_DIR = DATA_DIR / "conditioning"  # what workers computed of the samples of voices

# ── Runtime ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────
# what staff change while it runs, `accounts.runtime`; what is said here is the default
MAINTENANCE = False
MAINTENANCE_MESSAGE = "The service is being maintained and takes no new work. Try again later."
MAINTENANCE_SECONDS = 300


def _changeable(name: str, field: Any) -> tuple[Any, str, Any]:
    value, told = getattr(ENV, name.lower()), Environment.model_fields[name.lower()].description
    return str(value) if isinstance(value, str) else value, f"{(told or name)[:1].upper()}{(told or name)[1:]}", field


CONSTANCE_BACKEND = "constance.backends.database.DatabaseBackend"
CONSTANCE_SUPERUSER_ONLY = False
CONSTANCE_ADDITIONAL_FIELDS = {
    **UNFOLD_CONSTANCE_ADDITIONAL_FIELDS,
    "number": ["django.forms.IntegerField", {"widget": "unfold.widgets.UnfoldAdminIntegerFieldWidget", "min_value": 1, "max_value": 10**9}],
    "rate": ["django.forms.RegexField", {"widget": "unfold.widgets.UnfoldAdminTextInputWidget", "regex": r"^[1-9]\d{0,6}/[smhd]\Z"}],
    "review": [
        "django.forms.ChoiceField",
        {"widget": "unfold.widgets.UnfoldAdminSelectWidget", "choices": [(each.value, each.value) for each in Review]},
    ],
}
CONSTANCE_CONFIG: dict[str, tuple[Any, str, Any]] = {
    "MAINTENANCE": (MAINTENANCE, "No new work is accepted: what is asked for is answered 503. What was accepted before is done", bool),
    "MAINTENANCE_MESSAGE": (MAINTENANCE_MESSAGE, "What they are told then", str),
    "MAINTENANCE_SECONDS": (MAINTENANCE_SECONDS, "Seconds after which they are told to come back", "number"),
    "MAX_QUEUED": _changeable("MAX_QUEUED", "number"),
    "MAX_INPUT_CHARACTERS": _changeable("MAX_INPUT_CHARACTERS", "number"),
    "SOCKETS_PER_USER": _changeable("SOCKETS_PER_USER", "number"),
    "WRITE_RATE": _changeable("WRITE_RATE", "rate"),
    "SIGN_IN_RATE": _changeable("SIGN_IN_RATE", "rate"),
    "ADDRESS_RATE": _changeable("ADDRESS_RATE", "rate"),
    "CONSENT_REVIEW": _changeable("CONSENT_REVIEW", "review"),
}
CONSTANCE_CONFIG_FIELDSETS = (
    ("Maintenance", ("MAINTENANCE", "MAINTENANCE_MESSAGE", "MAINTENANCE_SECONDS")),
    ("What is taken", ("MAX_QUEUED", "MAX_INPUT_CHARACTERS", "SOCKETS_PER_USER", "WRITE_RATE", "SIGN_IN_RATE", "ADDRESS_RATE")),
    ("Voices", ("CONSENT_REVIEW",)),
)

# ── HTTP ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
MAX_BODY_BYTES = ENV.max_body_bytes
MAX_BRIEF_BYTES = ENV.max_brief_bytes
SOCKETS_PER_USER = ENV.sockets_per_user
SOCKETS_PER_PROCESS = ENV.sockets_per_process
ALLOWED_ORIGINS = ENV.origins
DATA_UPLOAD_MAX_MEMORY_SIZE = ENV.max_body_bytes
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000  # the admin's list pages post one field a row
DATA_UPLOAD_MAX_NUMBER_FILES = 1
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]  # never in memory
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated", "accounts.authentication.HasScope"],
    "DEFAULT_PARSER_CLASSES": ["config.parsing.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "config.paging.Pages",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "config.api.render_exception",
    "URL_FORMAT_OVERRIDE": None,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Voice platform",
    "DESCRIPTION": "Self-hosted speech. The audio calls are OpenAI's, so the official `openai` packages work unchanged.",
    "VERSION": VERSION,
    "OAS_VERSION": "3.1.1",  # request bodies are pydantic's, which say null as JSON Schema does
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "JobState": "jobs.models.State",
        "DeliveryState": "jobs.models.webhooks.DeliveryState",
        "ConsentState": "voice.models.ConsentState",
        "SessionState": "voice.models.SessionState",
    },
}

# ── Safety ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────
CSRF_FAILURE_VIEW = "config.api.stale_form"
CSRF_TRUSTED_ORIGINS = list(ENV.trusted_origins)
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 8 * 3600
if ENV.environment is Stage.PRODUCTION:
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    if ENV.proxies:
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
