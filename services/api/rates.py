"""How many requests a viewer may send: a bucket each, which fills up again at a steady rate."""

from collections import OrderedDict
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from math import ceil
from typing import Final

from services.api.problems import TooManyRequests

BURST_SECONDS: Final = 10.0
"""A full bucket holds what comes in so long: a client that starts asks for much at once."""
MAX_BUCKETS: Final = 50_000
"""Buckets kept; 10 MB. Beyond it the one used longest ago is forgotten, which makes it full."""
IPV6_PREFIX: Final = 64
"""One customer has at least the addresses of such a network, which therefore counts as one."""


class Rates:
    """The buckets of one process; `per_second` 0 is no limit, `now` returns seconds."""

    def __init__(self, per_second: float, now: Callable[[], float]) -> None:
        self._cost = 1 / per_second if per_second else 0.0
        self._now = now
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def take(self, key: str) -> None:
        """Take one request out of a bucket. Raises TooManyRequests."""
        if not self._cost:
            return
        now = self._now()
        full_at = max(self._full_at.get(key, now), now) + self._cost
        excess = full_at - now - max(BURST_SECONDS, self._cost)
        if excess > self._cost / 1_000:  # sums of floats are not exact
            raise TooManyRequests("too many requests; try again later", ceil(excess))
        self._full_at[key] = full_at
        self._full_at.move_to_end(key)
        if len(self._full_at) > MAX_BUCKETS:
            self._full_at.popitem(last=False)


def network_of(address: str) -> str:
    """Return what counts as one address: an IPv4 address, or the network of an IPv6 one."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ip_network((parsed, IPV6_PREFIX), strict=False))
