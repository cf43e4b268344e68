"""A load on workers while what they depend on is away, and the figures of their recovery."""

import time
from collections.abc import Callable, Sequence
from typing import Any, Self

from schemas import topics
from schemas.codec import Message
from servers.process import wait_until
from tests.e2e.comparison import compare_all
from tests.e2e.offset_sampler import OffsetSampler
from tests.e2e.pipeline import READ, Pipeline
from tests.e2e.site import Site
from tests.e2e.village import model_of

LIVE_SECONDS = 90.0
RECOVER_SECONDS = 300.0
HASTE = 4.0
"""The store's timeout where it freezes; short, so that a freeze of seconds is one of timeouts."""
PATIENCE = 60.0
"""The store's timeout for the comparison: a machine that is busy has lost nothing."""
STOP_SECONDS = 10.0
"""How long a worker may take to end."""


class Load:
    """Publishes a log in lots; leaving the context compares everything with the model.

    A sampler samples the committed offsets all along.
    """

    def __init__(self, pipeline: Pipeline, log: Sequence[Message], lots: int = 5) -> None:
        self._pipeline = pipeline
        self._log = log
        self._lots = [log[lot::lots] for lot in range(lots)]
        self._sampler = OffsetSampler(pipeline)
        self.figures: dict[str, Any] = {"events": len(log)}

    def __enter__(self) -> Self:
        self._sampler.__enter__()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._sampler.__exit__(kind, error, trace)
        if error is None:
            self._judge()

    def worker(self, name: str, **settings: Any) -> Site:
        """A worker that has begun; it need not be ready."""
        site = self._pipeline.start_site(name, **settings)
        self._pipeline.until(site.lives, time.monotonic() + LIVE_SECONDS)
        return site

    def publish(self, lots: int = 1) -> None:
        """The next lots."""
        for _ in range(lots):
            self._pipeline.publish(self._lots.pop(0))

    def begin(self) -> None:
        """Publish a lot, wait until some of it is handled, and give the workers more to do."""
        self.publish()
        self._pipeline.until(
            lambda: self._pipeline.committed() > 0, time.monotonic() + LIVE_SECONDS
        )
        self.publish()

    def until(self, holds: Callable[[], bool], seconds: float = LIVE_SECONDS) -> None:
        """Also while a server is away."""
        assert wait_until(holds, seconds), "not within its time"

    def stop_worker(self, name: str) -> None:
        """SIGTERM: it ends in time, and well, whatever is away."""
        seconds = self._pipeline.stop_worker(name, STOP_SECONDS)
        self.figures["seconds_to_stop"] = max(seconds, self.figures.get("seconds_to_stop", 0.0))

    def recover(self) -> None:
        """What was away answers again, from now on: publish what is left, and wait."""
        back = time.monotonic()
        self._pipeline.until(self._count_waiting, back + RECOVER_SECONDS)
        self.publish(len(self._lots))
        self._pipeline.drain(RECOVER_SECONDS)
        self.figures["seconds_to_recover"] = round(time.monotonic() - back, 1)
        self.figures["rss_max_bytes"] = self._pipeline.rss_max()

    def _count_waiting(self) -> bool:
        self.figures["events_waiting"] = self._pipeline.lag_of_all()
        return True

    def _judge(self) -> None:
        sampler, pipeline = self._sampler, self._pipeline
        assert not sampler.objections, sampler.objections
        assert sampler.has_judged_all()
        assert sum(pipeline.ends(dead_letter_topics()).values()) == 0
        assert not self._lots, "not everything was published"
        patient = pipeline.settings.model_copy(update={"store_timeout_seconds": PATIENCE})
        self.figures["entries"] = compare_all(patient, model_of(self._log))
        assert self.figures["entries"] > 0
        self.figures |= sampler.figures()


def dead_letter_topics() -> list[str]:
    read = {name for names in READ.values() for name in names}
    return [name for name in topics.load_topics() if name not in read]


def steady(measure: Callable[[], int], seconds: float) -> Callable[[], bool]:
    """Whether a growing measure has not grown for so long."""
    highest, since = 0, time.monotonic()

    def is_steady() -> bool:
        nonlocal highest, since
        now = measure()
        if now > highest:
            highest, since = now, time.monotonic()
        return time.monotonic() - since > seconds

    return is_steady
