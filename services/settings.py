"""Settings from the environment, prefix MINGLE_; a wrong one stops the start with its name."""

from ipaddress import ip_address
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Port = Annotated[int, Field(ge=0, le=65535)]
MIN_SECRET_BYTES: Final = 32
"""As long as what it signs with it (RFC 7518, 3.2); a shorter one can be guessed from a token."""


class Settings(BaseSettings):
    """Every setting, its default and its meaning. `mingle settings` prints them."""

    model_config = SettingsConfigDict(env_prefix="MINGLE_", frozen=True)

    store: Literal["cassandra", "memory"] = Field("cassandra", description="where state is kept")
    epoch: int = Field(
        946_684_800_000, ge=0, description="start of post ids, milliseconds since 1970"
    )
    retention_days: float = Field(
        30, ge=0, le=36_500, description="age at which posts leave home timelines; 0 is for ever"
    )
    kafka_bootstrap: str = Field(
        "127.0.0.1:9092", description="brokers as host:port, comma-separated"
    )
    cassandra_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        ("127.0.0.1",), min_length=1, description="contact points, comma-separated"
    )
    cassandra_port: Port = Field(9042, description="native protocol port of every node")
    cassandra_keyspace: str = Field(
        "mingle", pattern=r"^[a-z][a-z0-9_]{0,47}$", description="keyspace of all tables"
    )
    cassandra_replication: int = Field(
        1, ge=1, le=9, description="replicas of a keyspace that `mingle migrate` creates"
    )
    cassandra_datacenter: str = Field("datacenter1", description="the local data centre")
    store_timeout_seconds: float = Field(10, gt=0, le=120, description="limit of a store request")
    store_in_flight: int = Field(
        128, ge=1, le=1024, description="store requests at a time, per process"
    )
    api_host: str = Field("127.0.0.1", description="address the API listens on")
    api_port: Port = Field(8080, description="port the API listens on")
    metrics_host: str = Field("127.0.0.1", description="address of a worker's health and metrics")
    metrics_port: Port = Field(9100, description="port of a worker's health and metrics")
    cursor_keys: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="keys of cursors, comma-separated; the first signs, all verify", repr=False
    )
    auth_secret: str = Field(
        "", description="secret that tokens are signed with (HS256), 32 bytes or more", repr=False
    )
    auth_jwks: str = Field(
        "", description="URL or file of the issuer's public keys (RS256, ES256, EdDSA)"
    )
    auth_issuer: str = Field("", description="`iss` that tokens must have; needed with JWKS")
    auth_audience: str = Field("", description="`aud` that tokens must name; needed with JWKS")
    auth_leeway_seconds: float = Field(
        30, ge=0, le=300, description="by how much the issuer's clock may differ from ours"
    )
    api_token: str = Field("", description="token that commands show the API", repr=False)
    stream_limit: int = Field(
        2_500, ge=0, le=100_000, description="streams open at a time, per process"
    )
    stream_probe_seconds: float = Field(
        1, gt=0, le=60, description="between two probes for new entries, for all streams at once"
    )
    stream_look_seconds: float = Field(
        60, gt=0, le=3_600, description="within which a stream tells what is no new entry"
    )
    stream_heartbeat_seconds: float = Field(
        15, gt=0, le=600, description="after which a stream on which nothing happens says so"
    )
    stream_patience_seconds: float = Field(
        30, gt=0, le=600, description="after which the reader of a stream who takes nothing is cut"
    )
    stream_lifetime_seconds: float = Field(
        3_600, gt=0, le=604_800, description="after which a stream ends, for its reader to resume"
    )
    bulk_followers: int = Field(
        20_000,
        ge=0,
        description="from so many followers on authors have the bulk lane; 0 is for none",
    )
    pull_followers: int = Field(
        2_000_000,
        ge=0,
        description="from so many followers on authors are pulled by their readers; 0 is for none",
    )
    worker_name: str = Field(
        "worker-1", pattern=r"^[a-zA-Z0-9._-]{1,64}$", description="stable name in consumer groups"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="log level")

    @field_validator("cassandra_hosts", "cursor_keys", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @property
    def authenticated(self) -> bool:
        """Whether the API asks for tokens."""
        return bool(self.auth_secret or self.auth_jwks)

    @model_validator(mode="after")
    def _authentication(self) -> Self:
        wrong = _wrong_authentication(self)
        if wrong is not None:
            raise PydanticCustomError("authentication", wrong)
        return self


def _wrong_authentication(settings: Settings) -> str | None:
    """What is wrong with how tokens are to be judged, the setting's name first."""
    if settings.auth_secret and settings.auth_jwks:
        return "MINGLE_AUTH_SECRET: expected none beside MINGLE_AUTH_JWKS; tokens have one issuer"
    if settings.auth_secret:
        short = len(settings.auth_secret.encode()) < MIN_SECRET_BYTES
        return f"MINGLE_AUTH_SECRET: expected {MIN_SECRET_BYTES} bytes or more" if short else None
    for name in ("auth_issuer", "auth_audience"):
        if getattr(settings, name) and not settings.auth_jwks:
            return f"MINGLE_{name.upper()}: expected MINGLE_AUTH_SECRET or MINGLE_AUTH_JWKS with it"
        if settings.auth_jwks and not getattr(settings, name):
            return f"MINGLE_{name.upper()}: expected with MINGLE_AUTH_JWKS, whose issuer has others"
    if "://" in settings.auth_jwks and not _is_safe(settings.auth_jwks):
        return "MINGLE_AUTH_JWKS: expected a file, an https URL, or one of http on the loopback"
    return None


def _is_safe(url: str) -> bool:
    """Whether nobody on the way can exchange what is fetched."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port  # a port that is no number raises
        if parts.scheme == "https":
            return bool(host)
        return parts.scheme == "http" and (host == "localhost" or ip_address(host).is_loopback)
    except ValueError:
        return False
