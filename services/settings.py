"""Settings from the environment, prefix MINGLE_; a wrong one stops the start with its name."""

from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Port = Annotated[int, Field(ge=0, le=65535)]


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
