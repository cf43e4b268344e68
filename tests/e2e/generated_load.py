"""What people say while faults happen: producers whose clocks differ, each message by one of them.

Some messages are sent twice, some are held back until long after their successors.
"""

import random
import time
from collections.abc import Iterator
from itertools import count
from typing import Any, NamedTuple, Self

from schemas.codec import Message, encode
from schemas.events import (
    FollowCreated,
    FollowDeleted,
    PostCreated,
    PostDeleted,
    PostEdited,
    ReplyCreated,
)
from schemas.ids import DAY_MS, post_id
from schemas.relations import BlockCreated, BlockDeleted, MuteCreated, MuteDeleted
from services.errors import BrokerUnavailable
from streams.kafka.publisher import NotPublished
from streams.outbox import Outgoing
from tests.e2e.background import BackgroundThread
from tests.e2e.pipeline import Pipeline

CLOCKS_MS = (-3_600_000, 0, 3_540_000)
"""Of the producers. An hour ahead but for a minute: Kafka refuses a record beyond its hour."""
PEOPLE = 80
MESSAGES_A_LOT = 10
LOT_SECONDS = 1.0
FIRST_FOLLOWS = 600
FIRST_POSTS = 300
PAST_DAYS = (*range(1, 30), *range(32, 60))
"""Ages of the first posts: none reaches its retention of 30 days while a test lasts."""
AGAIN, LATE = 0.1, 0.15
"""Chances of a message to be sent twice, and to be held back."""
LATE_LOTS = 20
KINDS = {
    "follow": 20, "unfollow": 5, "post": 28, "reply": 22, "repost": 8,
    "edit": 7, "deletion": 3, "block": 2, "unblock": 2, "mute": 2, "unmute": 1,
}  # fmt: skip

EDGES: dict[str, type[Any]] = {"follow": FollowCreated, "unfollow": FollowDeleted}
RELATIONS: dict[str, type[Any]] = {
    "block": BlockCreated, "unblock": BlockDeleted, "mute": MuteCreated, "unmute": MuteDeleted,
}  # fmt: skip


class SentMessage(NamedTuple):
    """A message, and what its producer took for the present."""

    message: Message
    at: int

    @property
    def outgoing(self) -> Outgoing:
        return Outgoing(*encode(self.message), timestamp=self.at)


class GeneratedLoad:
    """What is said, one message after the other; the same for the same seed and beginning."""

    def __init__(self, chance: random.Random, began: int) -> None:
        """`began` in milliseconds since 1970."""
        self.all: list[Message] = []
        self._chance = chance
        self._began = began
        self._written: list[tuple[int, int]] = []
        """Post and author."""

    def first(self) -> list[SentMessage]:
        """What was said before: edges, and posts of two months."""
        edges = [self._say("follow", self._began) for _ in range(FIRST_FOLLOWS)]
        past = [
            self._say(
                self._chance.choice(("post", "reply", "repost")),
                self._began - self._chance.choice(PAST_DAYS) * DAY_MS,
            )
            for _ in range(FIRST_POSTS)
        ]
        return edges + past

    def lot(self, number: int) -> Iterator[SentMessage]:
        """What is said in one second; nothing of it is of the future by its producer's clock."""
        now = self._began + int(number * LOT_SECONDS * 1_000)
        kinds = self._chance.choices(list(KINDS), list(KINDS.values()), k=MESSAGES_A_LOT)
        for kind in kinds:
            yield self._say(kind, now + self._chance.choice(CLOCKS_MS))

    def _say(self, kind: str, at: int) -> SentMessage:
        message = self._message(kind, at)
        self.all.append(message)
        return SentMessage(message, at)

    def _message(self, kind: str, at: int) -> Message:
        some, other = (self._chance.randint(1, PEOPLE) for _ in range(2))
        version = at * 1_000 + self._chance.randrange(1_000)
        if kind in EDGES:
            return EDGES[kind](version=version, follower_id=some, followee_id=other)
        if kind in RELATIONS:
            return RELATIONS[kind](version=version, owner_id=some, target_id=other)
        return self._about_a_post(kind, at, version, some)

    def _about_a_post(self, kind: str, at: int, version: int, author: int) -> Message:
        earlier = self._chance.choice(self._written[-60:]) if self._written else None
        text = f"the {len(self.all)}th"
        if earlier and kind in ("edit", "deletion"):
            own: dict[str, Any] = dict(zip(("post_id", "author_id"), earlier, strict=True))
            own["version"] = version
            return PostDeleted(**own) if kind == "deletion" else PostEdited(**own, text=text)
        said: dict[str, Any] = {
            "version": version,
            "post_id": post_id(at, len(self.all)),
            "author_id": author,
            "text": text,
        }
        self._written.append((said["post_id"], author))
        if earlier and kind == "reply":
            return ReplyCreated(**said, parent_id=earlier[0])
        if earlier and kind == "repost":
            return PostCreated(**said, repost_of=earlier[0])
        return PostCreated(**said)


class Producers(BackgroundThread):
    """Publishes while its context is open; leaving it sends what was held back.

    A lot that the brokers did not acknowledge is sent again, whole.
    """

    def __init__(self, pipeline: Pipeline, seed: int) -> None:
        super().__init__()
        self._pipeline = pipeline
        self._chance = random.Random(f"{seed} producers")
        self._talk = GeneratedLoad(random.Random(f"{seed} talk"), time.time_ns() // 1_000_000)
        self._held: list[tuple[int, SentMessage]] = []
        """By the lot they go with."""
        self.twice = self.late = self.refused = 0

    def __enter__(self) -> Self:
        self._pipeline.publish(each.outgoing for each in self._talk.first())
        return super().__enter__()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        super().__exit__(kind, error, trace)
        if error is None:
            self._pipeline.publish(each.outgoing for _, each in self._held)

    @property
    def log(self) -> list[Message]:
        """All that was said."""
        return self._talk.all

    def work(self) -> None:
        for number in count():
            if self.leaving.wait(LOT_SECONDS):
                return
            self._publish(self._mixed(number))

    def _mixed(self, number: int) -> list[SentMessage]:
        """A lot as it leaves: without what is held back, with what was, in no order."""
        lot = []
        for each in self._talk.lot(number):
            chance = self._chance.random()
            later = number + self._chance.randint(1, LATE_LOTS)
            if chance < AGAIN + LATE:
                self._held.append((later, each))
                self.twice += chance < AGAIN
                self.late += chance >= AGAIN
            if chance < AGAIN or chance >= AGAIN + LATE:
                lot.append(each)
        lot += [each for due, each in self._held if due <= number]
        self._held = [held for held in self._held if held[0] > number]
        self._chance.shuffle(lot)
        return lot

    def _publish(self, lot: list[SentMessage]) -> None:
        while True:
            try:
                self._pipeline.publish(each.outgoing for each in lot)
            except (BrokerUnavailable, NotPublished):
                self.refused += 1
                if self.leaving.wait(LOT_SECONDS):
                    self._held += [(0, each) for each in lot]
                    return
            else:
                return
