"""The one reader of the environment: every variable typed, documented, and refused at the start when it is wrong.

Nothing set is the embedded default: SQLite, workers in the server's process, everything under `DATA_DIR`.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from enum import StrEnum
from importlib.util import find_spec
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from config.origins import Origin
from config.upstreams import Key, Upstream, plain_url

# ENV_FILE names another file than .env; an empty value reads none
SECRET_BYTES = 64
WEAKEST_SECRET = 50
# characters; what Django's own deployment check asks for
SHORTEST_TOKEN = 16
# characters
FEWEST_DISTINCT = 5
# different characters in a secret key, also from Django's check
KEEPERS = 4
# threads of a worker beside those that make items which use the database
LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")

Queue = Literal["live", "batch", "neural", "neural-batch"]
Words = Annotated[tuple[str, ...], NoDecode]
# written with commas: "a.example,b.example"


class Stage(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Review(StrEnum):
    AUTOMATIC = "automatic"
    STAFF = "staff"


class Fate(StrEnum):
    KEEP = "keep"
    DELETE = "delete"


class Environment(BaseSettings):
    """The variables of the environment. `.env.example` is made of these descriptions; a test holds the two together."""

    model_config = SettingsConfigDict(
        env_file=os.environ.get("ENV_FILE", ".env"), env_ignore_empty=True, extra="ignore", case_sensitive=False
    )

    environment: Stage = Field(Stage.DEVELOPMENT, description="development or production; production refuses unsafe settings")
    data_dir: Path = Field(Path("var"), description="folder of whatever the embedded default writes: database, secret, outputs")
    secret_key: str = Field("", description="signs sessions and tokens, 50 random characters or more; empty: made once in DATA_DIR")
    debug: bool = Field(False, description="Django's debug pages; never in production")
    allowed_hosts: Words = Field(LOCAL_HOSTS, description="host names that the service answers to, with commas")
    trusted_origins: Words = Field((), description="origins, with scheme, that may post to the admin through a proxy")
    trusted_proxies: Words = Field((), description="addresses or networks of the proxies whose X-Forwarded-For is believed")

    accel_prefix: str = Field(
        "", description="path at which a trusted nginx serves DATA_DIR/outputs, as /stored/; it then sends what is stored"
    )

    database_url: str = Field("", description="postgresql://user:password@host:port/name; empty: SQLite in DATA_DIR")
    database_pool: int = Field(10, ge=2, le=200, description="PostgreSQL connections that one process may hold")
    redis_url: str = Field("", description="redis://host:port/0 for audio streams, cache and messages; empty: in memory, one process")
    broker_url: str = Field("", description="redis:// of the message broker where it is apart from REDIS_URL; empty: REDIS_URL")

    worker_threads: int = Field(2, ge=1, le=64, description="items that one worker process makes at a time")
    live_threads: int = Field(1, ge=0, description="of these, kept free for live speech where there are more; briefs use the others")
    worker_queues: Annotated[tuple[Queue, ...], NoDecode] = Field(
        (), description="queues that workers here take from, with commas: live, batch, neural, neural-batch; empty: all that they can"
    )
    lease_seconds: float = Field(5.0, ge=2, le=300, description="how long a silent worker keeps its item")
    max_attempts: int = Field(3, ge=1, le=10, description="times that an item is tried before it has failed")
    max_queued: int = Field(1000, ge=1, description="items waiting in one live queue beyond which requests get 503 overloaded")
    item_seconds: int = Field(600, ge=1, description="how long making one item may take")

    max_input_characters: int = Field(100_000, ge=1, description="longest text of one request")
    max_body_bytes: int = Field(1 << 20, ge=1024, description="largest JSON body of a request")
    max_brief_bytes: int = Field(32 << 20, ge=1024, description="largest body of POST /v1/jobs, JSON or upload")
    max_upload_bytes: int = Field(25 << 20, ge=1024, description="largest audio file that is taken; samples and consents: 10 MiB")
    max_upload_seconds: int = Field(1500, ge=1, description="longest audio that is converted or transcribed")
    decode_seconds: int = Field(15, ge=1, description="processor time that decoding an uploaded file may take")
    sockets_per_user: int = Field(10, ge=1, description="WebSockets that one user may have open")
    sockets_per_process: int = Field(2000, ge=1, description="WebSockets that one server process holds open")
    allowed_origins: Words = Field((), description="origins, with scheme, whose pages may talk live; the service's own host always may")
    live_session_seconds: int = Field(3600, ge=10, le=86_400, description="how long a live session may last")
    live_resume_seconds: int = Field(30, ge=1, le=600, description="how long a live session waits for a client that was cut off")
    stream_bytes: int = Field(32 << 20, ge=1 << 16, description="bytes of one item kept for readers that are behind")
    stream_seconds: int = Field(60, ge=10, description="how long an item's bytes are kept for readers after the last one; its output stays")
    webhook_private: bool = Field(False, description="lets webhooks go to private addresses and over plain HTTP")
    s3_bucket: str = Field("", description="S3 bucket of the outputs, where machines share no disk; empty: files in DATA_DIR")
    s3_endpoint_url: str = Field("", description="address of an S3 that is not Amazon's")
    s3_region: str = Field("", description="region of the bucket")
    s3_access_key_id: str = Field("", description="its key's id; empty: as boto3 finds one, such as the machine's role")
    s3_secret_access_key: str = Field("", description="its key's secret")
    test_engines: bool = Field(False, description="lets `seed` tell the tone engine to be slow, fail, hang or crash")

    upstreams: Annotated[tuple[Upstream, ...], NoDecode] = Field(
        (), description="other speech servers as voices, a JSON list; docs/voices.md, Upstreams, says of what"
    )
    models_dir: Path | None = Field(None, description="folder of the models that workers fetch; empty: models in DATA_DIR")
    device: str = Field("auto", description="what models run on: cpu, cuda, cuda:1; auto takes CUDA where there is one")
    device_threads: int = Field(1, ge=1, le=256, description="CPU threads to one operation of a model; WORKER_THREADS run side by side")
    model_memory_mib: int = Field(0, ge=0, description="MiB that the models of one worker may take, the least used leave; 0: no limit")
    model_idle_seconds: float = Field(0.0, ge=0, description="seconds without use after which a model leaves the memory; 0: never")
    model_wait_seconds: float = Field(60.0, ge=1, description="seconds that an item waits for a model that is loaded or busy")
    preload_models: Words = Field((), description="models that a worker loads when it starts, with commas")
    batch_window_ms: float = Field(5.0, ge=0, le=1000, description="how long a sentence waits on a GPU for others to be made with it")
    batch_size: int = Field(16, ge=1, le=256, description="sentences that a GPU makes together")
    live_detector: Literal["webrtc", "silero"] = Field(
        "webrtc", description="what tells speech from noise in a live session; silero is better, costs fifteen times as much"
    )
    consent_review: Review = Field(
        Review.AUTOMATIC, description="automatic or staff: who approves consents; automatic is the phrase check where speech is transcribed"
    )
    consent_transcriber: Literal["", "pocketsphinx"] = Field(
        "", description="pocketsphinx: hears on the workers whether the phrase is read, in English; empty: nothing does"
    )
    consent_phrases: dict[str, str] = Field(
        {}, description='further phrases of consent, or others, as JSON: {"it": "Sono il proprietario di questa voce …"}'
    )
    consent_revoked_outputs: Fate = Field(
        Fate.DELETE, description="keep or delete: what becomes of outputs when the consent to their voice is revoked"
    )

    responder: Literal["echo", "chat"] = Field(
        "echo", description="echo or chat: who answers in a live conversation; echo says back what it heard, chat asks CHAT_URL"
    )
    chat_url: str = Field("", description="what stands before /chat/completions: https://api.openai.com/v1")
    chat_keys: Annotated[tuple[Key, ...], NoDecode] = Field(
        (), description="its keys, with commas, used in turn; none for a server without"
    )
    chat_model: str = Field("", max_length=200, description="the model that it is asked for, whatever a session names")
    chat_first_seconds: float = Field(10.0, gt=0, le=600, description="how long the first word of an answer may take, tries included")
    chat_next_seconds: float = Field(5.0, gt=0, le=600, description="how long it may be silent within an answer")
    chat_fallback: str = Field(
        "", max_length=500, description="what is said when it fails before the first word; empty: the response fails"
    )

    access_minutes: int = Field(5, ge=1, le=1440, description="life of an access token")
    refresh_days: int = Field(14, ge=1, le=365, description="life of a refresh token; each use starts it anew")
    sign_in_days: int = Field(30, ge=1, le=365, description="life of a sign-in, however often it is refreshed")
    sign_in_rate: str = Field("5/m", description="password attempts for one user name, as N/s, N/m, N/h or N/d")
    address_rate: str = Field("20/m", description="sign-in requests from one address")
    write_rate: str = Field("600/m", description="requests of one user that write or generate")

    audit_days: int = Field(730, ge=1, description="days that the audit log of the admin is kept")

    notify_socket: str = Field("", description="where systemd is told that a process is ready; systemd sets it itself")
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR")
    log_one_in: int = Field(
        100, ge=0, description="of the well answered requests for health and static files so many share one line; 0: none"
    )
    metrics_port: int = Field(
        0, ge=0, le=65_000, description="where the first worker process tells its metrics, each further one a port on; 0: nowhere"
    )
    metrics_host: str = Field("127.0.0.1", description="address that workers tell them at")
    metrics_allow: Words = Field(
        ("127.0.0.0/8", "::1"), description="addresses or networks that may read /metrics, where no proxy is between"
    )
    metrics_token: str = Field("", description="who sends it as a bearer may read /metrics from anywhere")
    otel_exporter_otlp_endpoint: str = Field("", description="collector of traces, OTLP over HTTP: http://127.0.0.1:4318; empty: no traces")
    otel_exporter_otlp_headers: str = Field("", description="headers for it, as name=value with commas")
    otel_service_name: str = Field("voice-platform", description="what traces call this service")
    otel_traces_sampler_arg: float = Field(1.0, ge=0, le=1, description="share of traces that are kept")

    @field_validator(
        "allowed_hosts",
        "allowed_origins",
        "trusted_origins",
        "trusted_proxies",
        "preload_models",
        "metrics_allow",
        "chat_keys",
        "worker_queues",
        mode="before",
    )
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("trusted_proxies", "metrics_allow")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            ip_network(network, strict=False)
        return value

    @field_validator("allowed_origins")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if Origin.parse(origin) is None:
                raise ValueError("expected origins such as https://app.example or https://app.example:8443, in full")
        return value

    @field_validator("accel_prefix")
    @classmethod
    def _path(cls, value: str) -> str:
        if value and not re.fullmatch(r"/([A-Za-z0-9_-]+/)+", value):
            raise ValueError("expected a path such as /stored/, with a stroke at both ends")
        return value

    @field_validator("database_url")
    @classmethod
    def _postgresql(cls, value: str) -> str:
        return _with_scheme(value, "postgresql://", "postgres://")

    @field_validator("redis_url", "broker_url")
    @classmethod
    def _redis(cls, value: str) -> str:
        return _with_scheme(value, "redis://", "rediss://", "unix://")

    @field_validator("s3_endpoint_url", "otel_exporter_otlp_endpoint")
    @classmethod
    def _http(cls, value: str) -> str:
        return _with_scheme(value, "https://", "http://")

    @field_validator("chat_url")
    @classmethod
    def _plain(cls, value: str) -> str:
        return value and plain_url(value)

    @field_validator("upstreams", mode="before")
    @classmethod
    def _json(cls, value: Any) -> Any:
        try:
            return json.loads(value) if isinstance(value, str) else value
        except ValueError:
            raise ValueError("expected JSON, a list of upstreams") from None

    @field_validator("upstreams")
    @classmethod
    def _distinct(cls, value: tuple[Upstream, ...]) -> tuple[Upstream, ...]:
        if len({upstream.name for upstream in value}) < len(value):
            raise ValueError("expected upstreams with different names")
        return value

    @field_validator("sign_in_rate", "address_rate", "write_rate")
    @classmethod
    def _rate(cls, value: str) -> str:
        number, _, period = value.partition("/")
        if not number.isdigit() or int(number) < 1 or period not in {"s", "m", "h", "d"}:
            raise ValueError("expected a rate such as 20/m, with s, m, h or d after the stroke")
        return value

    @field_validator("log_level")
    @classmethod
    def _level(cls, value: str) -> str:
        if value.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
            raise ValueError("expected DEBUG, INFO, WARNING or ERROR")
        return value.upper()

    @field_validator("metrics_token")
    @classmethod
    def _long_enough(cls, value: str) -> str:
        if value and len(value) < SHORTEST_TOKEN:
            raise ValueError(f"expected {SHORTEST_TOKEN} random characters or more")
        return value

    @field_validator("otel_exporter_otlp_headers")
    @classmethod
    def _pairs(cls, value: str) -> str:
        if not all(part.partition("=")[0].strip() and "=" in part for part in value.split(",") if value):
            raise ValueError("expected name=value, with commas")
        return value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.broker_url and not self.redis_url:
            raise ValueError("REDIS_URL is missing: BROKER_URL alone is not enough, audio streams and the cache need Redis too")
        if self.redis_url and not self.database_url:
            raise ValueError("DATABASE_URL is missing: with REDIS_URL, workers are other processes and need PostgreSQL")
        if self.accel_prefix and not self.trusted_proxies:
            raise ValueError("TRUSTED_PROXIES is missing: with ACCEL_PREFIX, the proxy that sends what is stored must be named")
        if self.accel_prefix and self.s3_bucket:
            raise ValueError("ACCEL_PREFIX is for outputs in DATA_DIR: with S3_BUCKET the proxy has none of them")
        if self.worker_queues and not self.redis_url:
            raise ValueError("WORKER_QUEUES is for `manage.py work`: without REDIS_URL one process takes everything")
        if self.database_url and self.database_pool < self.worker_threads + KEEPERS:
            raise ValueError(f"DATABASE_POOL is too small: expected WORKER_THREADS and {KEEPERS} more, {self.worker_threads + KEEPERS}")
        if self.responder == "chat":
            self._refuse_a_chat_with_nobody()
        if self.otel_exporter_otlp_endpoint and find_spec("opentelemetry") is None:
            raise ValueError("OTEL_EXPORTER_OTLP_ENDPOINT is of no use: pip install 'voice-platform[tracing]'")
        if self.live_detector == "silero" and not all(find_spec(package) for package in ("silero_vad", "onnxruntime")):
            raise ValueError("LIVE_DETECTOR is not installed: pip install 'voice-platform[silero]'")
        if self.environment is Stage.PRODUCTION:
            self._refuse_the_unsafe()
        return self

    def _refuse_the_unsafe(self) -> None:
        if len(self.secret_key) < WEAKEST_SECRET or len(set(self.secret_key)) < FEWEST_DISTINCT:
            raise ValueError(f"SECRET_KEY is missing or weak: production needs {WEAKEST_SECRET} random characters or more")
        if self.debug:
            raise ValueError("DEBUG is on: production expects it unset or false")
        if not self.allowed_hosts or any(host == "*" or host.startswith(".") for host in self.allowed_hosts):
            raise ValueError("ALLOWED_HOSTS is empty or has a wildcard: production expects exact host names")

    def _refuse_a_chat_with_nobody(self) -> None:
        if not self.chat_url:
            raise ValueError("CHAT_URL is missing: RESPONDER=chat needs to know where the model is")
        if not self.chat_model:
            raise ValueError("CHAT_MODEL is missing: RESPONDER=chat needs the name of the model")
        if find_spec("openai") is None:
            raise ValueError("RESPONDER=chat is not installed: pip install 'voice-platform[chat]'")

    @property
    def embedded(self) -> bool:
        """Whether workers, queue and streams live in the server's process."""
        return not self.redis_url

    @property
    def metrics_readers(self) -> tuple[IPv4Network | IPv6Network, ...]:
        return tuple(ip_network(network, strict=False) for network in self.metrics_allow)

    @property
    def proxies(self) -> tuple[IPv4Network | IPv6Network, ...]:
        return tuple(ip_network(network, strict=False) for network in self.trusted_proxies)

    @property
    def origins(self) -> frozenset[Origin]:
        return frozenset(origin for each in self.allowed_origins if (origin := Origin.parse(each)) is not None)

    def secret(self) -> str:
        """The secret key; where none is given, one that is made once and kept in DATA_DIR, readable by its owner only."""
        if self.secret_key:
            return self.secret_key
        path = self.data_dir / "secret"
        self.data_dir.mkdir(parents=True, exist_ok=True)
        try:
            with open(path, "x", opener=_private) as file:
                file.write(secrets.token_urlsafe(SECRET_BYTES))
        except FileExistsError:
            pass
        return path.read_text().strip()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _with_scheme(value: str, *schemes: str) -> str:
    if value and not value.startswith(schemes):
        raise ValueError(f"expected a URL that starts with {' or '.join(schemes)}")
    try:
        _ = urlsplit(value).port
    except ValueError:
        # its words are not repeated: they quote what may be a part of the password
        raise ValueError("expected a URL whose port is a number; in a password, write / as %2F, # as %23 and ? as %3F") from None
    return value


def read(**overrides: Any) -> Environment:
    """The environment, checked. ImproperlyConfigured names every variable at fault and what was expected, never its value."""
    try:
        return Environment(**overrides)
    except ValidationError as error:
        lines = [_line(_name(problem["loc"]), problem["msg"]) for problem in error.errors()]
        raise ImproperlyConfigured("The environment is not right:\n" + "\n".join(lines)) from None


def _name(place: tuple[int | str, ...]) -> str:
    """UPSTREAMS[0].url"""
    variable, *inner = place or ("",)
    return str(variable).upper() + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in inner)


def _line(name: str, message: str) -> str:
    message = message.removeprefix("Value error, ")
    return f"  {name}: {message}" if name else f"  {message}"
