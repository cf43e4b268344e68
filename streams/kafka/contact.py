"""Whether anything listens where the brokers should be, told at once.

librdkafka retries a refused connection until a request's timeout has passed. Right for a worker;
somebody at a terminal wants to know now.
"""

import socket
from contextlib import closing

from services.errors import BrokerUnavailable


def expect_brokers(bootstrap: str, timeout: float) -> None:
    """Raises BrokerUnavailable where no address accepts a connection in time."""
    for address in bootstrap.split(","):
        host, _, port = address.strip().rpartition(":")
        try:
            with closing(socket.create_connection((host.strip("[]"), int(port)), timeout)):
                return
        except (OSError, ValueError, OverflowError):
            continue
    raise BrokerUnavailable(f"no broker answers at {bootstrap}")
