"""A gauge of the replies that wait for their parents, as far as this process has seen them."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence

from prometheus_client import Gauge

from schemas.ids import PostId
from services.posts.post import Post

MAX_PENDING = 100_000
"""Orphans remembered by a process, some 10 MB; the oldest are forgotten first."""


class OrphanGauge:
    """Counts replies without a known parent: rises when one arrives, falls when its parent does."""

    def __init__(self, gauge: Gauge) -> None:
        self._gauge = gauge
        self._waiting: OrderedDict[PostId, set[PostId]] = OrderedDict()  # parent -> its replies
        self._count = 0

    def update(self, arrived: Sequence[PostId], known: Mapping[PostId, Post]) -> None:
        """Count posts that arrived. `known` holds them and their known ancestors."""
        for post in (known[each] for each in arrived if each in known):
            self._count -= len(self._waiting.pop(post.post_id, ()))
            if post.parent_id is not None and post.parent_id not in known:
                replies = self._waiting.setdefault(post.parent_id, set())
                self._count += post.post_id not in replies
                replies.add(post.post_id)
        while self._count > MAX_PENDING:
            self._count -= len(self._waiting.popitem(last=False)[1])
        self._gauge.set(self._count)
