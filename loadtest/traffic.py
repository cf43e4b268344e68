"""Makes arrival times and messages. Seeded; time is passed in."""

from collections.abc import Sequence

import numpy as np

from schemas.events import FollowCreated, FollowDeleted, FollowFact, PostCreated, ReplyCreated
from schemas.ids import SEQUENCE_BITS, IdArray, post_id

VOCABULARY = 20_000
"""Number of words; as in a language, the n-th is used 1/n as often as the first."""


def arrival_times(random: np.random.Generator, per_second: float, seconds: float) -> list[float]:
    """Return the seconds at which posts arrive, a Poisson process from 0 on."""
    expected = per_second * seconds
    gaps = random.exponential(1 / per_second, int(expected + 6 * expected**0.5 + 16))
    times = np.cumsum(gaps)
    arrivals: list[float] = times[times < seconds].tolist()
    return arrivals


class Writer:
    """Makes messages with ids and versions of the given time."""

    def __init__(self, random: np.random.Generator, words: int, epoch: int) -> None:
        self._random = random
        self._words = words
        self._epoch = epoch
        self._sequence = 0
        self._version = 0
        weights = 1 / np.arange(1, VOCABULARY + 1)
        self._cumulative = np.cumsum(weights) / weights.sum()

    def post(self, author: int, now_ms: int) -> PostCreated:
        return PostCreated(
            version=now_ms * 1_000,
            post_id=self._next_post_id(now_ms),
            author_id=author,
            text=self._text(),
        )

    def reply(self, author: int, now_ms: int, thread: Sequence[int]) -> ReplyCreated:
        """Return a reply to a random post of the thread, whose first is the root."""
        return ReplyCreated(
            version=now_ms * 1_000,
            post_id=self._next_post_id(now_ms),
            author_id=author,
            text=self._text(),
            parent_id=thread[int(self._random.integers(len(thread)))],
            root_id=thread[0],
        )

    def follow(self, follower: int, followee: int, now_ms: int) -> FollowFact:
        return FollowCreated(
            version=self._next_version(now_ms), follower_id=follower, followee_id=followee
        )

    def unfollow(self, follower: int, followee: int, now_ms: int) -> FollowFact:
        return FollowDeleted(
            version=self._next_version(now_ms), follower_id=follower, followee_id=followee
        )

    def _next_version(self, now_ms: int) -> int:
        """Return a higher version than the last, also within a millisecond."""
        self._version = max(self._version + 1, now_ms * 1_000)
        return self._version

    def _next_post_id(self, now_ms: int) -> int:
        self._sequence = (self._sequence + 1) % (1 << SEQUENCE_BITS)
        return post_id(now_ms, self._sequence, self._epoch)

    def _text(self) -> str:
        drawn = np.searchsorted(self._cumulative, self._random.random(self._words))
        return " ".join(map(random_word, drawn.tolist()))


def random_word(number: int) -> str:
    """Return a word for a number below VOCABULARY: syllables, so that it is one token."""
    syllables = []
    while True:
        number, syllable = divmod(number, 100)
        syllables.append("bdfgklmnprstvzhjwxyq"[syllable // 5] + "aeiou"[syllable % 5])
        if not number:
            return "".join(syllables)


def posting_order(authors: IdArray, count: int, random: np.random.Generator) -> list[int]:
    """Return `count` authors: all of them in a random order, as many times as needed."""
    rounds = max(1, -(-count // len(authors)))
    order = np.concatenate([random.permutation(authors) for _ in range(rounds)])
    chosen: list[int] = order[:count].tolist()
    return chosen
