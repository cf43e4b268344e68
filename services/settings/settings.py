"""Settings from environment variables with the prefix MINGLE_."""

from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from services.settings.brokers import Brokers, SaslMechanism, SecurityProtocol
from services.settings.checks import contradictions
from services.settings.tls import TlsFiles

Port = Annotated[int, Field(ge=0, le=65535)]
LATEST_EPOCH: Final = 253_402_300_799_999 - 2**41
"""With a later one, ids would reach past the year 9999, which no time in an answer can say."""


def _text(description: str) -> Any:
    """Return the field of an optional text."""
    return Field("", description=description)


class Settings(BaseSettings):
    """Every setting with its default and meaning, as `mingle settings` prints them."""

    model_config = SettingsConfigDict(env_prefix="MINGLE_", frozen=True, hide_input_in_errors=True)

    store: Literal["cassandra", "memory"] = Field("cassandra", description="store of all state")
    epoch: int = Field(
        946_684_800_000,
        ge=0,
        le=LATEST_EPOCH,
        description="start of post ids, in milliseconds since 1970",
    )
    retention_days: float = Field(
        30, ge=0, le=36_500, description="days for which posts stay in home timelines; 0: forever"
    )
    kafka_bootstrap: str = Field(
        "127.0.0.1:9092", description="Kafka brokers as host:port, comma-separated"
    )
    kafka_security_protocol: SecurityProtocol = Field(
        "PLAINTEXT", description="protocol of broker connections: SSL for TLS, SASL for a login"
    )
    kafka_sasl_mechanism: SaslMechanism = Field(
        "SCRAM-SHA-512", description="SASL mechanism of the Kafka login"
    )
    kafka_user: str = _text("user name for Kafka; required with SASL")
    kafka_password: SecretStr = Field(
        SecretStr(""), description="password of the Kafka user", repr=False
    )
    kafka_password_file: str = _text("file with the password of the Kafka user")
    kafka_ca_file: str = _text("PEM file of trusted CAs for Kafka; the system's if empty")
    kafka_certificate_file: str = _text("PEM file of the Kafka client's certificate")
    kafka_key_file: str = _text("PEM file of the Kafka client's unencrypted key")
    cassandra_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        ("127.0.0.1",), min_length=1, description="Cassandra contact points, comma-separated"
    )
    cassandra_port: Port = Field(9042, description="native protocol port of every Cassandra node")
    cassandra_keyspace: str = Field(
        "mingle", pattern=r"^[a-z][a-z0-9_]{0,47}$", description="Cassandra keyspace of all tables"
    )
    cassandra_replication: int = Field(
        1, ge=1, le=9, description="replication factor when `mingle migrate` creates the keyspace"
    )
    cassandra_datacenter: str = Field("datacenter1", description="local Cassandra data centre")
    cassandra_tls: bool = Field(False, description="whether to connect to Cassandra over TLS")
    cassandra_tls_name: str = _text("name in the nodes' certificates; a node's address if empty")
    cassandra_ca_file: str = _text("PEM file of trusted CAs for Cassandra; the system's if empty")
    cassandra_certificate_file: str = _text("PEM file of the Cassandra client's certificate")
    cassandra_key_file: str = _text("PEM file of the Cassandra client's unencrypted key")
    cassandra_user: str = _text("user name for Cassandra; empty: no login")
    cassandra_password: SecretStr = Field(
        SecretStr(""), description="password of the Cassandra user", repr=False
    )
    cassandra_password_file: str = _text("file with the password of the Cassandra user")
    store_timeout_seconds: float = Field(
        10, gt=0, le=120, description="seconds until a store request times out"
    )
    store_in_flight: int = Field(
        128, ge=1, le=1024, description="concurrent store requests per process, at most"
    )
    api_host: str = Field("127.0.0.1", description="address that the API listens on")
    api_port: Port = Field(8080, description="port that the API listens on; 0: any free port")
    api_connections: int = Field(
        5_000, ge=10, le=100_000, description="open connections per API process, at most"
    )
    api_connections_per_address: int = Field(
        2_500,
        ge=0,
        le=100_000,
        description="open connections from one address, at most; 0: no limit, behind one proxy",
    )
    api_rate: float = Field(
        100,
        ge=0,
        le=100_000,
        description="requests per second of a viewer, or of an address without one, on average "
        "over 10 s; 0: no limit",
    )
    api_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="origins whose pages may call the API (CORS), comma-separated"
    )
    explorer: Literal["loopback", "always", "never"] = Field(
        "loopback",
        description="where the API serves the explorer at /explore: while it listens on the "
        "loopback, always or never",
    )
    api_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="addresses or networks of proxies whose X-Forwarded-For is believed, "
        "comma-separated",
    )
    metrics_host: str = Field(
        "127.0.0.1", description="address of a worker's health checks and metrics"
    )
    metrics_port: Port = Field(
        9100, description="port of a worker's health checks and metrics; 0: any free port"
    )
    cursor_keys: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="keys of cursors, comma-separated: the first encrypts, all decrypt",
        repr=False,
    )
    auth_secret: str = Field(
        "", description="shared secret of tokens signed with HS256, at least 32 bytes", repr=False
    )
    auth_jwks: str = _text("URL or file of the token issuer's public keys (RS256, ES256, EdDSA)")
    auth_issuer: str = _text("required `iss` of tokens; must be set with JWKS")
    auth_audience: str = _text("required `aud` of tokens; must be set with JWKS")
    auth_leeway_seconds: float = Field(
        30, ge=0, le=300, description="tolerated clock difference from the issuer, in seconds"
    )
    api_token: str = Field("", description="token that commands send to the API", repr=False)
    stream_limit: int = Field(
        2_500, ge=0, le=100_000, description="open streams per process, at most; 0: none"
    )
    stream_limit_per_viewer: int = Field(
        10, ge=1, le=100_000, description="open streams of one viewer per process, at most"
    )
    stream_probe_seconds: float = Field(
        1, gt=0, le=60, description="seconds between two checks of all streams for new entries"
    )
    stream_look_seconds: float = Field(
        60,
        gt=0,
        le=3_600,
        description="longest time in seconds until a stream reads its timeline again",
    )
    stream_heartbeat_seconds: float = Field(
        15, gt=0, le=600, description="seconds without an event until a stream sends a heartbeat"
    )
    stream_patience_seconds: float = Field(
        30,
        gt=0,
        le=600,
        description="seconds that a client has to accept an event before its stream ends",
    )
    stream_lifetime_seconds: float = Field(
        3_600,
        gt=0,
        le=604_800,
        description="longest life of a stream in seconds; then its client reconnects",
    )
    bulk_followers: int = Field(
        20_000, ge=0, description="followers from which an author uses the bulk lane; 0: never"
    )
    deliver_at_once: int = Field(
        32_768,
        ge=0,
        le=1_000_000,
        description="home entries that a batch of posts delivers itself, those of small authors "
        "first; what is more goes through Kafka; 0: all",
    )
    pull_followers: int = Field(
        2_000_000,
        ge=0,
        description="followers from which an author is pulled, not pushed; 0: never",
    )
    inactive_days: int = Field(
        0,
        ge=0,
        le=36_500,
        description="days without a read after which fan-out skips a user; 0: never",
    )
    erasure_rate: float = Field(
        5_000,
        ge=1,
        le=1_000_000,
        description="rows per second that a worker erases of erased accounts, at most",
    )
    worker_name: str = Field(
        "",
        pattern=r"^[a-zA-Z0-9._-]{0,64}$",
        description=(
            "name that this worker alone has in its consumer groups (of two the younger ends): "
            "with one, a restart within 30 s keeps its partitions; empty: a new name at each start"
        ),
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least severe level that is logged"
    )

    @field_validator("cassandra_hosts", "cursor_keys", "api_origins", "api_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @property
    def authenticated(self) -> bool:
        """Whether the API requires tokens."""
        return bool(self.auth_secret or self.auth_jwks)

    @property
    def brokers(self) -> Brokers:
        """The Kafka brokers. Raises OSError if the password file is gone."""
        return Brokers(
            self.kafka_bootstrap,
            self.kafka_security_protocol,
            TlsFiles(self.kafka_ca_file, self.kafka_certificate_file, self.kafka_key_file),
            self.kafka_sasl_mechanism,
            self.kafka_user,
            _read_password(self.kafka_password, self.kafka_password_file),
        )

    @property
    def resolved_cassandra_password(self) -> SecretStr:
        """The password of `cassandra_user`. Raises OSError if its file is gone."""
        return _read_password(self.cassandra_password, self.cassandra_password_file)

    @property
    def cassandra_summary(self) -> str:
        """How clients connect to Cassandra, in words, without secrets."""
        transport = "without TLS"
        if self.cassandra_tls:
            transport = f"over TLS, trusting {self.cassandra_ca_file or 'the system'}"
        login = f"as {self.cassandra_user}" if self.cassandra_user else "without a login"
        return f"{transport}, {login}"

    @property
    def cassandra_tls_files(self) -> TlsFiles:
        """The TLS files for Cassandra."""
        return TlsFiles(
            self.cassandra_ca_file, self.cassandra_certificate_file, self.cassandra_key_file
        )

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        errors = "\n".join(contradictions(self))
        if errors:
            raise PydanticCustomError("contradiction", "{errors}", {"errors": errors})
        return self


def _read_password(given: SecretStr, file: str) -> SecretStr:
    """Return the given password, or else the file's without its final line break."""
    return SecretStr(Path(file).read_text(encoding="utf-8").strip("\r\n")) if file else given
