"""Who can reach the API: without authentication this machine, and nobody else."""

from ipaddress import ip_address

from services.errors import MingleError
from services.settings.settings import Settings


class UnusableSettings(MingleError):
    """Settings with which the API must not start; the message names one."""


class UnsafeExposure(UnusableSettings):
    """The address would let in others than it should."""


def require_safe(settings: Settings) -> None:
    """Raise UnsafeExposure if other machines can connect and no secret protects the API."""
    if _is_loopback(settings.api_host):
        return
    if not settings.authenticated:
        raise UnsafeExposure(
            f"MINGLE_API_HOST={settings.api_host}: with no authentication configured "
            "(MINGLE_AUTH_SECRET or MINGLE_AUTH_JWKS) the API listens on the loopback only "
            "(127.0.0.1, ::1 or localhost)"
        )
    if not settings.cursor_keys:
        raise UnsafeExposure(
            "MINGLE_CURSOR_KEYS: required while MINGLE_API_HOST is not the loopback, the same "
            "for every process"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
