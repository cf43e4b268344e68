"""Creates the access gate that the settings describe."""

from pathlib import Path

from services.api.auth.access import AccessGate
from services.api.auth.exposure import UnusableSettings
from services.api.auth.issuer import fetch_from, is_url, read_file
from services.api.auth.jwks import BadKeySet, read_keys
from services.api.auth.keys import Keys, PublicKeys, SharedSecret
from services.api.auth.tickets import Tickets
from services.api.auth.tokens import TokenVerifier
from services.clock import Clock
from services.settings.settings import Settings


def create_access_gate(settings: Settings, clock: Clock) -> AccessGate:
    """Return the gate; without authentication it lets everybody in. Raises UnusableSettings."""
    tickets = Tickets(settings.cursor_keys, clock)
    if not settings.authenticated:
        return AccessGate(None, tickets)
    tokens = TokenVerifier(
        _create_keys(settings, clock),
        clock,
        settings.auth_leeway_seconds,
        settings.auth_audience or None,
        settings.auth_issuer or None,
    )
    return AccessGate(tokens, tickets)


def _create_keys(settings: Settings, clock: Clock) -> Keys:
    if settings.auth_secret:
        return SharedSecret(settings.auth_secret)
    if not is_url(settings.auth_jwks):
        _check_file(settings.auth_jwks)
    return PublicKeys(fetch_from(settings.auth_jwks), clock)


def _check_file(path: str) -> None:
    """Refuse a key file that is wrong at the start; later it may recover."""
    try:
        read_keys(read_file(Path(path)))
    except (OSError, BadKeySet) as error:
        raise UnusableSettings(f"MINGLE_AUTH_JWKS: {error}") from error
