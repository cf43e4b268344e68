"""The spans of post time by which home rows are kept, and how long those of each have left."""

from typing import NamedTuple

import numpy as np

from schemas.ids import DAY_MS, SEQUENCE_BITS, IdArray, post_time
from services.clock import Clock
from services.retention import Retention

BUCKET_MS = 3 * DAY_MS
"""Post time in a bucket: three days of 4,000 users are a partition of some 60 MB."""
MAX_TTL = 20 * 365 * 86_400
"""Seconds; Cassandra takes no longer ones. What is to live longer lives for ever."""


class Buckets(NamedTuple):
    """Buckets are numbered from the Unix epoch; a post is in that of its own time."""

    retention: Retention
    clock: Clock

    def of(self, post: int) -> int:
        return post_time(post, self.retention.epoch) // BUCKET_MS

    def of_all(self, posts: IdArray) -> IdArray:
        return ((posts >> SEQUENCE_BITS) + self.retention.epoch) // BUCKET_MS

    def ttls(self, buckets: IdArray) -> IdArray:
        """How many seconds rows of each bucket have left: 0 is for ever, -1 none.

        A bucket's rows leave together, one bucket later than its last post must.
        """
        if not self.retention.days:
            return np.zeros(len(buckets), np.int64)
        ends = (buckets + 2) * BUCKET_MS + int(self.retention.days * DAY_MS)
        left = -((self.clock() - ends) // 1_000)
        return np.where(left <= 0, -1, np.where(left > MAX_TTL, 0, left))
