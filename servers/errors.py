"""Errors of starting and stopping servers.

* ServerError
  + ToolMissing: Java or Maven is missing; the message says what to install.
  + DownloadFailed: Maven could not fetch the jars; the message has its output.
  + PortTaken: another program listens on a port of a server.
  + StartFailed: a server ended or did not answer in time; the message has the end of its log.
  + StopFailed: a process outlived SIGKILL.
"""


class ServerError(Exception):
    """Base of all errors of servers."""


class ToolMissing(ServerError):
    """No Java 17 or no Maven."""


class DownloadFailed(ServerError):
    """Maven failed or took too long."""


class PortTaken(ServerError):
    """Another program listens on a port that the server needs."""


class StartFailed(ServerError):
    """A server ended while it started, did not answer in time, or its start was cancelled."""


class StopFailed(ServerError):
    """A process still exists after SIGKILL."""
