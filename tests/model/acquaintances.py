"""Conversants: rule 30."""

from collections import defaultdict
from collections.abc import Mapping
from math import log1p
from typing import NamedTuple

from services.ranking.weights import MEETING
from tests.model.said import DAY_MS, EPOCH_MS
from tests.model.talk import Talk

HALF_LIFE_MS = 30 * DAY_MS
REACH_MS = 240 * DAY_MS


class Known(NamedTuple):
    """Somebody around V: how much they talk with V, or else how likely V is to meet them."""

    follow: bool
    reason: str
    in_common: frozenset[int]
    amount: float


class Acquaintances(Talk):
    """Whom V talks with, and who talks with these."""

    def conversants(self, viewer: int) -> list[tuple[int, bool, str, list[int]]]:
        """In their order; people in common in the same."""
        found = self.acquaintances(viewer)
        order = sorted(found, key=lambda p: (found[p].follow, -found[p].amount, p))
        return [
            (each, found[each].follow, found[each].reason,
             [other for other in order if other in found[each].in_common])
            for each in order
        ]  # fmt: skip

    def acquaintances(self, viewer: int) -> Mapping[int, Known]:
        """Everybody whom V talks with or may follow."""
        you, them = self.sums(viewer, by=viewer), self.sums(viewer, to=viewer)
        mutual = {each: min(you[each], them[each]) for each in you if them[each]}
        met = defaultdict[int, float](float)
        shared = defaultdict[int, set[int]](set)
        for partner, amount in mutual.items():
            for other, weight in self.sums(viewer, by=partner).items():
                met[other] += weight * amount
                shared[other].add(partner)
                if other in mutual:
                    met[partner] += weight * mutual[other]
                    shared[partner].add(other)
        found = {
            each: Known(False, "talks_with_you", frozenset(shared[each]), amount)
            for each, amount in mutual.items()
        }
        for each in {*you, *them, *met} - found.keys() - {viewer}:
            if each in self.edges[viewer] or each in self.mutes[viewer]:
                continue
            features = {
                "activity": self.activity(viewer, each),
                "you_answered": you[each],
                "answered_you": them[each],
                "people_in_common": met[each],
            }
            score = sum(MEETING[name] * log1p(value) for name, value in features.items())
            reason = "answered_by_you" if you[each] else "people_in_common"
            reason = "answers_you" if them[each] else reason
            found[each] = Known(True, reason, frozenset(shared[each]), score)
        return found

    def sums(
        self, viewer: int, *, by: int | None = None, to: int | None = None
    ) -> defaultdict[int, float]:
        """Decayed replies by somebody, or to somebody, that V may see, for each of the others."""
        found = defaultdict[int, float](float)
        for post_id, post in self.posts.items():
            parent = self.posts.get(post["parent_id"])
            if parent is None or post["repost_of"] or not self.weight_of(post_id):
                continue
            one, other = post["author_id"], parent["author_id"]
            seen = self.is_heard(viewer, post_id) and self.is_heard(viewer, post["parent_id"])
            if seen and one != other and by in (None, one) and to in (None, other):
                found[other if by else one] += self.weight_of(post_id)
        return found

    def is_heard(self, viewer: int, post_id: int) -> bool:
        """Whether V may see it, words and muted threads aside."""
        hidden = self.unseen(viewer, post_id) or self.blockers(viewer, post_id)
        return not (hidden or self.muted(viewer, post_id) or self.against_gate(post_id))

    def weight_of(self, post_id: int) -> float:
        """How much a post counts by its age: nothing past the retention, or when too old."""
        age = self.now_us // 1_000 - EPOCH_MS - (post_id >> 22)
        if post_id >> 22 <= self.oldest or age > REACH_MS:
            return 0.0
        return float(0.5 ** (max(age, 0) / HALF_LIFE_MS))

    def activity(self, viewer: int, author: int) -> float:
        """What somebody wrote for everybody or for V; followers do not count here."""
        return sum(
            self.weight_of(each)
            for each in self.written[author]
            if not self.posts[each]["deleted"]
            and self.in_audience(viewer, each)
            and (self.posts[each]["visibility"] != "followers"
                 or viewer in self.posts[each]["mentions"])
        )  # fmt: skip
