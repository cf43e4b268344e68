"""Without authentication, only this machine may reach the API."""

from ipaddress import ip_address

from services.errors import MingleError
from services.settings.settings import Settings


class UnusableSettings(MingleError):
    """The API must not start with these settings; the message names one."""


class UnsafeExposure(UnusableSettings):
    """The API would be reachable without the secrets that protect it."""


def require_safe(settings: Settings) -> None:
    """Raise UnsafeExposure if other machines can connect and no secret protects the API."""
    if is_loopback(settings.api_host):
        return
    if not settings.authenticated:
        raise UnsafeExposure(
            f"MINGLE_API_HOST={settings.api_host}: with no authentication configured "
            "(MINGLE_AUTH_SECRET or MINGLE_AUTH_JWKS) the API may listen on the loopback only "
            "(127.0.0.1, ::1 or localhost)"
        )
    if not settings.cursor_keys:
        raise UnsafeExposure(
            "MINGLE_CURSOR_KEYS: required unless MINGLE_API_HOST is the loopback, and the same "
            "for every process"
        )


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches what listens there."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
