"""Settings from the environment, prefix MINGLE_; a wrong one stops the start with its name."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from services.settings.brokers import Brokers, SaslMechanism, SecurityProtocol
from services.settings.checks import contradictions
from services.settings.tls import TlsFiles

Port = Annotated[int, Field(ge=0, le=65535)]


class Settings(BaseSettings):
    """Every setting, its default and its meaning. `mingle settings` prints them."""

    model_config = SettingsConfigDict(env_prefix="MINGLE_", frozen=True, hide_input_in_errors=True)

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
    kafka_security_protocol: SecurityProtocol = Field(
        "PLAINTEXT", description="whether brokers are spoken to over TLS, and with a user"
    )
    kafka_sasl_mechanism: SaslMechanism = Field(
        "SCRAM-SHA-512", description="how user and password are shown to brokers"
    )
    kafka_user: str = Field("", description="user of the brokers; needed with SASL")
    kafka_password: SecretStr = Field(SecretStr(""), description="its password", repr=False)
    kafka_password_file: str = Field("", description="file that holds it instead")
    kafka_ca_file: str = Field(
        "", description="authorities that sign brokers' certificates; the system's where unset"
    )
    kafka_certificate_file: str = Field("", description="certificate that is shown to brokers")
    kafka_key_file: str = Field("", description="its key, in PEM, not encrypted")
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
    cassandra_tls: bool = Field(False, description="whether nodes are spoken to over TLS")
    cassandra_tls_name: str = Field(
        "", description="name in every node's certificate; the node's address where unset"
    )
    cassandra_ca_file: str = Field(
        "", description="authorities that sign nodes' certificates; the system's where unset"
    )
    cassandra_certificate_file: str = Field("", description="certificate that is shown to nodes")
    cassandra_key_file: str = Field("", description="its key, in PEM, not encrypted")
    cassandra_user: str = Field("", description="user of Cassandra, where it asks for one")
    cassandra_password: SecretStr = Field(SecretStr(""), description="its password", repr=False)
    cassandra_password_file: str = Field("", description="file that holds it instead")
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
    inactive_days: int = Field(
        0,
        ge=0,
        le=36_500,
        description="days without a read after which fan-out leaves a user out; 0 is for nobody",
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

    @property
    def brokers(self) -> Brokers:
        """Kafka's brokers. Raises OSError where the password's file is no more."""
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
        """The password of `cassandra_user`. Raises OSError where its file is no more."""
        return _read_password(self.cassandra_password, self.cassandra_password_file)

    @property
    def cassandra_summary(self) -> str:
        """How Cassandra is spoken to, in words, without anything secret."""
        over = "without TLS"
        if self.cassandra_tls:
            over = f"over TLS, trusting {self.cassandra_ca_file or 'the system'}"
        return f"{over}, as {self.cassandra_user or 'nobody'}"

    @property
    def cassandra_tls_files(self) -> TlsFiles:
        """What TLS with Cassandra's nodes is made of."""
        return TlsFiles(
            self.cassandra_ca_file, self.cassandra_certificate_file, self.cassandra_key_file
        )

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        wrong = "\n".join(contradictions(self))
        if wrong:
            raise PydanticCustomError("contradiction", "{wrong}", {"wrong": wrong})
        return self


def _read_password(given: SecretStr, file: str) -> SecretStr:
    """Without the line's end that editors put there."""
    return SecretStr(Path(file).read_text(encoding="utf-8").strip("\r\n")) if file else given
