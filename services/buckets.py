"""Buckets of post time: the part of a partition key that bounds partitions by age."""

from dataclasses import dataclass

import numpy as np

from schemas.ids import DAY_MS, SEQUENCE_BITS, IdArray, post_time
from services.clock import Clock
from services.retention import Retention

BUCKET_MS = 3 * DAY_MS
"""Post time in a bucket. Three days of 4,000 homes are a partition of some 60 MB."""
MAX_TTL = 20 * 365 * 86_400
"""Cassandra's maximum, in seconds. Rows that would live longer are kept for ever."""


def bucket_of(post: int, epoch: int) -> int:
    """Return the bucket of a post's own time, numbered from the Unix epoch."""
    return post_time(post, epoch) // BUCKET_MS


@dataclass(frozen=True, slots=True)
class Buckets:
    """The buckets of rows that leave when the retention has passed."""

    retention: Retention
    clock: Clock

    def of(self, post: int) -> int:
        """Return the bucket of a post."""
        return bucket_of(post, self.retention.epoch)

    def of_all(self, posts: IdArray) -> IdArray:
        """Return the bucket of each of these posts."""
        return ((posts >> SEQUENCE_BITS) + self.retention.epoch) // BUCKET_MS

    def ttls(self, buckets: IdArray) -> IdArray:
        """Return the TTL of rows in each bucket in seconds: 0 is for ever, -1 has expired.

        All rows of a bucket expire together, one bucket later than its last post must.
        """
        if not self.retention.days:
            return np.zeros(len(buckets), np.int64)
        ends = (buckets + 2) * BUCKET_MS + int(self.retention.days * DAY_MS)
        left = -((self.clock() - ends) // 1_000)
        return np.where(left <= 0, -1, np.where(left > MAX_TTL, 0, left))
