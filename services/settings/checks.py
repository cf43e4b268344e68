"""Checks of settings that are each valid but contradict each other."""

import ssl
from collections.abc import Callable, Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

MIN_SECRET_BYTES: Final = 32
"""The size of an HS256 signature (RFC 7518, 3.2); a shorter secret can be guessed from a token."""


class CheckedSettings(Protocol):
    """The settings checked here; logins and files of a server are read by their names."""

    @property
    def auth_secret(self) -> str: ...
    @property
    def auth_jwks(self) -> str: ...
    @property
    def api_origins(self) -> tuple[str, ...]: ...
    @property
    def api_proxies(self) -> tuple[str, ...]: ...
    @property
    def kafka_security_protocol(self) -> str: ...
    @property
    def cassandra_tls(self) -> bool: ...
    @property
    def cassandra_tls_name(self) -> str: ...


def contradictions(settings: CheckedSettings) -> Iterator[str]:
    """Yield a line for each contradiction: the variable and what was expected, never a secret."""
    yield from _authentication(settings)
    yield from _clients(settings)
    yield from _kafka(settings)
    yield from _cassandra(settings)


def _authentication(settings: CheckedSettings) -> Iterator[str]:
    if settings.auth_secret and settings.auth_jwks:
        yield "MINGLE_AUTH_SECRET: expected to be empty while MINGLE_AUTH_JWKS is set"
        return
    if settings.auth_secret and len(settings.auth_secret.encode()) < MIN_SECRET_BYTES:
        yield f"MINGLE_AUTH_SECRET: expected at least {MIN_SECRET_BYTES} bytes"
    for name in ("auth_issuer", "auth_audience"):
        given = getattr(settings, name)
        if given and not (settings.auth_jwks or settings.auth_secret):
            yield f"{_variable(name)}: expected MINGLE_AUTH_SECRET or MINGLE_AUTH_JWKS beside it"
        if settings.auth_jwks and not given:
            yield f"{_variable(name)}: expected with MINGLE_AUTH_JWKS, whose issuer serves others"
    if "://" in settings.auth_jwks and not _is_safe(settings.auth_jwks):
        yield "MINGLE_AUTH_JWKS: expected a file, an https URL, or an http URL on the loopback"


def _clients(settings: CheckedSettings) -> Iterator[str]:
    if not all(map(_is_origin, settings.api_origins)):
        yield "MINGLE_API_ORIGINS: expected origins such as https://example.org"
    if not all(map(_is_network, settings.api_proxies)):
        yield "MINGLE_API_PROXIES: expected IP addresses, or networks such as 10.0.0.0/8"


def _kafka(settings: CheckedSettings) -> Iterator[str]:
    protocol = settings.kafka_security_protocol
    if protocol.startswith("SASL_"):
        yield from _login(settings, "kafka", f"MINGLE_KAFKA_SECURITY_PROTOCOL={protocol}")
    else:
        for name in ("kafka_user", "kafka_password", "kafka_password_file"):
            if _given(settings, name):
                yield f"{_variable(name)}: expected MINGLE_KAFKA_SECURITY_PROTOCOL=SASL_…"
    yield from _files(
        settings,
        "kafka",
        encrypted=protocol.endswith("SSL"),
        switch="MINGLE_KAFKA_SECURITY_PROTOCOL=SSL or SASL_SSL",
    )


def _cassandra(settings: CheckedSettings) -> Iterator[str]:
    names = ("cassandra_user", "cassandra_password", "cassandra_password_file")
    if any(_given(settings, name) for name in names):
        yield from _login(settings, "cassandra", "another setting of the Cassandra login")
    switch = "MINGLE_CASSANDRA_TLS=true"
    if settings.cassandra_tls_name and not settings.cassandra_tls:
        yield f"MINGLE_CASSANDRA_TLS_NAME: expected {switch}"
    yield from _files(settings, "cassandra", encrypted=settings.cassandra_tls, switch=switch)


def _login(settings: CheckedSettings, server: str, because: str) -> Iterator[str]:
    user, password, file = (f"{server}_{name}" for name in ("user", "password", "password_file"))
    if not _given(settings, user):
        yield f"{_variable(user)}: expected with {because}"
    if _given(settings, password) and _given(settings, file):
        yield f"{_variable(password)}: expected to be empty while {_variable(file)} is set"
    elif not (_given(settings, password) or _given(settings, file)):
        yield f"{_variable(password)}: expected with {because}, or {_variable(file)}"
    elif _given(settings, file) and not _holds_a_password(getattr(settings, file)):
        yield f"{_variable(file)}: expected a readable file that contains a password"


def _files(
    settings: CheckedSettings, server: str, *, encrypted: bool, switch: str
) -> Iterator[str]:
    ca, certificate, key = (f"{server}_{name}_file" for name in ("ca", "certificate", "key"))
    given = [name for name in (ca, certificate, key) if _given(settings, name)]
    if not encrypted:
        yield from (f"{_variable(name)}: expected {switch}" for name in given)
        return
    if (certificate in given) != (key in given):
        lacking, other = (key, certificate) if certificate in given else (certificate, key)
        yield f"{_variable(lacking)}: expected with {_variable(other)}"
        return
    context = ssl.create_default_context()
    if ca in given and not _loads(context.load_verify_locations, getattr(settings, ca)):
        yield f"{_variable(ca)}: expected a PEM file of certificates"
    if key in given:
        pair = getattr(settings, certificate), getattr(settings, key), ""
        if not _loads(context.load_cert_chain, *pair):
            yield (
                f"{_variable(certificate)}: expected a PEM file of certificates "
                f"and in {_variable(key)} the unencrypted key of the first"
            )


def _given(settings: CheckedSettings, name: str) -> bool:
    return bool(getattr(settings, name))


def _holds_a_password(file: str) -> bool:
    try:
        return bool(Path(file).read_text(encoding="utf-8").strip("\r\n"))
    except (OSError, ValueError):
        return False


def _loads(load: Callable[..., Any], *arguments: str) -> bool:
    try:
        load(*arguments)
    except (OSError, ValueError):
        return False
    return True


def _variable(name: str) -> str:
    return f"MINGLE_{name.upper()}"


def _is_safe(url: str) -> bool:
    """Return whether nobody on the network can tamper with what is fetched."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port  # raises for an invalid port
        if parts.scheme == "https":
            return bool(host)
        return parts.scheme == "http" and (host == "localhost" or ip_address(host).is_loopback)
    except ValueError:
        return False


def _is_origin(text: str) -> bool:
    """Return whether a text is an origin as browsers send it."""
    try:
        parts = urlsplit(text)
        host, _port = parts.hostname, parts.port  # raises for an invalid port
    except ValueError:
        return False
    return bool(host) and "*" not in text and text == f"{parts.scheme}://{parts.netloc}"


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True
