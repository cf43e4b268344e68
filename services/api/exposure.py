"""Who can reach the API while it asks nobody who he is: this machine, and nobody else."""

from ipaddress import ip_address

from services.errors import MingleError


class Exposed(MingleError):
    """The address would let others in. A wrong setting: the process must not start."""


def require_loopback(host: str) -> None:
    """Raises Exposed unless only this machine can connect to an API that listens on `host`."""
    if not _is_loopback(host):
        raise Exposed(
            f"MINGLE_API_HOST={host}: with no authentication configured the API listens on the "
            "loopback only (127.0.0.1, ::1 or localhost)"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
