"""Thousands of facts about some people, seeded: what the proofs load."""

import random
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from schemas.codec import Message
from schemas.events import (
    FollowCreated,
    FollowDeleted,
    PostCreated,
    PostDeleted,
    PostEdited,
    ReplyCreated,
)
from schemas.ids import post_id
from tests.model import Model

START = 1_420_000_000_000  # the last days of 2014; the pipeline keeps posts for ever


class Village(NamedTuple):
    """How much there is of what."""

    people: int = 200
    follows: int = 3_000
    posts: int = 4_000

    def log(self, chance: random.Random) -> list[Message]:
        """All of it, in no order that means anything."""
        log = [*self._follows(chance), *self._posts(chance)]
        chance.shuffle(log)
        return log

    def seeded(self, seed: int) -> list[Message]:
        """The log by a seed."""
        return self.log(random.Random(seed))

    def _follows(self, chance: random.Random) -> Iterator[Message]:
        """Some of them ended, and begun again."""
        for number in range(self.follows):
            edge: dict[str, Any] = {
                "follower_id": chance.randint(1, self.people),
                "followee_id": chance.randint(1, self.people),
            }
            yield FollowCreated(version=number, **edge)
            if number % 5 == 0:
                yield FollowDeleted(version=number + chance.choice([-1, 0, 1]) + 1, **edge)

    def _posts(self, chance: random.Random) -> Iterator[Message]:
        """Posts, replies, reposts, edits and deletions."""
        written: list[int] = []
        for number in range(self.posts):
            time = START + number * 60_000
            said: dict[str, Any] = {
                "version": time * 1_000,
                "post_id": post_id(time, number),
                "author_id": chance.randint(1, self.people),
                "text": f"the {number}th",
            }
            yield _one_post(chance, said, written)
            own = {name: said[name] for name in ("post_id", "author_id")}
            if number % 7 == 0:
                again = f"again the {number}th"
                yield PostEdited(version=said["version"] + 1, text=again, **own)
            if number % 11 == 0:
                yield PostDeleted(version=said["version"] + 2, **own)
            written.append(said["post_id"])


HAMLET = Village(people=40, follows=300, posts=500)
"""For tests that are to be short."""


def post_at(at: int, number: int, author: int, **fields: Any) -> PostCreated:
    """A post of a moment (milliseconds since 1970), the `number`th of its author's."""
    said = {"text": f"the {number}th", "post_id": post_id(at, number)} | fields
    return PostCreated(version=at * 1_000, author_id=author, **said)


def model_of(log: Sequence[Message], now_ms: int = 0, retention_ms: int = 0) -> Model:
    return Model([msgspec.to_builtins(each) for each in log], now_ms, retention_ms)


def _one_post(chance: random.Random, said: dict[str, Any], written: list[int]) -> Message:
    kind = chance.random()
    if not written or kind < 0.4:
        return PostCreated(**said)
    earlier = chance.choice(written[-50:])
    if kind < 0.8:
        return ReplyCreated(**said, parent_id=earlier)
    return PostCreated(**said, repost_of=earlier)
