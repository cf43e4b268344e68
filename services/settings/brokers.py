"""Kafka brokers and the options to connect to them, for each client library."""

from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import SecretStr

from services.settings.tls import NO_FILES, TlsFiles

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"]


@dataclass(frozen=True)
class Brokers:
    """Everything a Kafka client needs to connect; `Settings.brokers` creates it."""

    bootstrap: str
    protocol: SecurityProtocol = "PLAINTEXT"
    tls: TlsFiles = NO_FILES
    mechanism: SaslMechanism = "SCRAM-SHA-512"
    user: str = ""
    password: SecretStr = field(default_factory=lambda: SecretStr(""))

    def __str__(self) -> str:
        return self.bootstrap

    @property
    def encrypted(self) -> bool:
        return self.protocol in {"SSL", "SASL_SSL"}

    @property
    def uses_login(self) -> bool:
        """Whether clients log in with a user and a password."""
        return self.protocol in {"SASL_PLAINTEXT", "SASL_SSL"}

    @property
    def summary(self) -> str:
        """How clients connect, in words, without secrets."""
        words: list[str] = [self.protocol]
        if self.uses_login:
            words.append(f"with {self.mechanism} as {self.user}")
        if self.encrypted:
            words.append(f"trusting {self.tls.ca or 'the system'}")
            if self.tls.certificate:
                words.append(f"certificate {self.tls.certificate}")
        return ", ".join(words)

    def librdkafka(self) -> dict[str, Any]:
        """Return the options of a confluent-kafka client."""
        options: dict[str, Any] = {"bootstrap.servers": self.bootstrap}
        if self.protocol != "PLAINTEXT":
            options["security.protocol"] = self.protocol
        if self.uses_login:
            options["sasl.mechanism"] = self.mechanism
            options["sasl.username"] = self.user
            options["sasl.password"] = self.password.get_secret_value()
        if self.encrypted:
            files = {
                "ssl.ca.location": self.tls.ca,
                "ssl.certificate.location": self.tls.certificate,
                "ssl.key.location": self.tls.key,
            }
            options |= {name: file for name, file in files.items() if file}
        return options

    def aiokafka(self) -> dict[str, Any]:
        """Return the options of an aiokafka client. Raises OSError if a TLS file is gone."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap,
            "security_protocol": self.protocol,
        }
        if self.uses_login:
            options["sasl_mechanism"] = self.mechanism
            options["sasl_plain_username"] = self.user
            options["sasl_plain_password"] = self.password.get_secret_value()
        if self.encrypted:
            options["ssl_context"] = self.tls.context()
        return options
