"""How often things happen on a stream, in seconds: a setting each."""

from typing import Final, NamedTuple

from services.settings.settings import Settings

SPREAD: Final = 0.5
"""Times are cut by up to this share, by chance."""
RETRY_MS: Final = 4_000
"""After how long readers come back at the latest: those of a process that ended, not at once."""


class StreamPace(NamedTuple):
    """The settings of streams, by their short names."""

    probe: float
    look: float
    heartbeat: float
    patience: float
    lifetime: float

    @classmethod
    def of(cls, settings: Settings) -> "StreamPace":
        return cls(
            probe=settings.stream_probe_seconds,
            look=settings.stream_look_seconds,
            heartbeat=settings.stream_heartbeat_seconds,
            patience=settings.stream_patience_seconds,
            lifetime=settings.stream_lifetime_seconds,
        )
