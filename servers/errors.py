"""The errors of starting and stopping servers; each says what to do about it.

* ServerError
  + ToolMissing: nothing on this machine can run the servers; says what to install.
  + DownloadFailed: Maven could not fetch the jars; says what it answered.
  + PortTaken: another program listens where a server should.
  + StartFailed: the process died or did not answer in time; shows the end of its log.
  + StopFailed: the process outlived SIGKILL.
"""


class ServerError(Exception):
    """Root of what can go wrong with a server."""


class ToolMissing(ServerError):
    """No Java 17 or no Maven."""


class DownloadFailed(ServerError):
    """Maven failed or took too long."""


class PortTaken(ServerError):
    """Another program listens on a port that the server needs."""


class StartFailed(ServerError):
    """The server died while it started, did not answer in time, or its start was cancelled."""


class StopFailed(ServerError):
    """The process is still there after SIGKILL."""
