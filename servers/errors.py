"""Errors of starting and stopping servers; all are a ServerError."""


class ServerError(Exception):
    """Base of all errors of servers."""


class ToolMissing(ServerError):
    """No Java 17 or no Maven; the message says what to install."""


class DownloadFailed(ServerError):
    """Maven could not fetch the jars; the message has its output."""


class PortTaken(ServerError):
    """Another program listens on a port that the server needs."""


class StartFailed(ServerError):
    """A server ended while it started, did not answer in time, or its start was cancelled.

    The message has the end of its log.
    """


class StopFailed(ServerError):
    """A process still exists after SIGKILL."""
