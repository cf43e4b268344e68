"""Catch-up: rule 28, and the score of what it gives."""

from collections import defaultdict
from math import log, log1p
from typing import Any

from services.ranking.weights import CATCH_UP
from tests.model.said import DAY_MS, EPOCH_MS, Json
from tests.model.talk import Talk

GIVEN = 5
HALF_LIFE_MS = 180 * DAY_MS
NEAREST = 4
WEEK_MS = 7 * DAY_MS


class News(Talk):
    """What is new in V's home, of entries above a post id."""

    def catch_up(self, viewer: int, start: int = -1) -> Json:
        """What is said in each conversation, and how often each of the others broadcasts."""
        entries = sorted(each["post_id"] for each in self.home(viewer) if each["post_id"] > start)
        talks: dict[int, list[int]] = defaultdict(list)
        broadcasts: dict[int, list[int]] = defaultdict(list)
        for each in entries:
            by = self.posts[each]["author_id"]
            alone = not any(self.place(e) == self.place(each) for e in entries if self.is_reply(e))
            if self.posts[each]["repost_of"] or (alone and self.broadcasts(by, entries)):
                broadcasts[by].append(each)
            else:
                talks[self.place(each)].append(each)
        broadcasts.pop(viewer, None)
        others = [each for each in entries if self.posts[each]["author_id"] != viewer]
        told = {root: posts for root, posts in talks.items() if set(posts) & set(others)}
        given = sum(min(GIVEN, len(set(posts) & set(others))) for posts in told.values())
        return {
            "talks": told,
            "broadcasts": {by: (len(posts), posts[-1]) for by, posts in broadcasts.items()},
            "folded": len(others) - given,
            "scores": {each: self.score(viewer, each, entries) for each in others},
        }

    def news_lines(self, viewer: int) -> tuple[list[Any], list[tuple[int, int]]]:
        """The lines in their order: who V follows first, then the best scores."""
        mark = self.read.get((viewer, "home"))
        week = ((self.now_us // 1_000 - WEEK_MS - EPOCH_MS) << 22) - 1
        news = self.catch_up(viewer, -1 if mark is None else max(mark, week))
        near, scores = {viewer, *self.edges[viewer]}, news["scores"]
        lines = []
        for root, posts in news["talks"].items():
            authors = [self.posts[each]["author_id"] for each in posts]
            others = sorted((p for p in posts if p in scores), key=lambda p: (-scores[p], -p))
            key = (not near & set(authors), -scores[others[0]], -posts[-1])
            line = (root, sorted(others[:GIVEN]), list(dict.fromkeys(reversed(authors))))
            lines.append((key, line))
        folds = sorted(news["broadcasts"].items(), key=lambda fold: -fold[1][1])
        ordered = [line for _, line in sorted(lines)]
        return ordered, [(by, count) for by, (count, _) in folds]

    def place(self, post_id: int) -> int:
        """The conversation that an entry is of; a repost is of none but its own."""
        return post_id if self.posts[post_id]["repost_of"] else self.root(post_id) or post_id

    def broadcasts(self, author: int, entries: list[int]) -> bool:
        """Rule 29: five beginnings in the window, and an answer to others in less than ten."""
        own = [each for each in entries if self.posts[each]["author_id"] == author]
        begun = [each for each in own if self.begins(each)]
        answers = [each for each in own if self.whom(each) not in {None, author}]
        return len(begun) >= 5 and 10 * len(answers) < len(own)

    def begins(self, post_id: int) -> bool:
        return not self.posts[post_id]["parent_id"] and not self.posts[post_id]["repost_of"]

    def authors_above(self, post_id: int) -> list[int]:
        """Authors above, nearest first."""
        if not self.is_reply(post_id):
            return []
        return [self.posts[each]["author_id"] for each in self.above(post_id, NEAREST)]

    def whom(self, post_id: int) -> int | None:
        return next(iter(self.authors_above(post_id)), None)

    def score(self, viewer: int, post_id: int, entries: list[int]) -> float:
        """The sum of weighted terms."""
        author, line = self.posts[post_id]["author_id"], self.authors_above(post_id)
        own = [e for e in self.written[viewer] if not self.posts[e]["deleted"]]
        own = [e for e in own if not self.posts[e]["repost_of"]]
        answers = [self.above(e, 1)[0] for e in own if self.above(e, 1)]
        begun = 5 + sum(not self.posts[e]["parent_id"] for e in answers)
        ages = {e: max(0, self.now_us // 1_000 - (e >> 22) - EPOCH_MS) for e in own}
        to_author = [2 ** -(ages[e] / HALF_LIFE_MS) for e in own if self.whom(e) == author]
        to_viewer = line[:1] == [viewer]
        below = viewer in line[1:] and not to_viewer
        yours = self.place(post_id) in {self.place(e) for e in own} and not to_viewer and not below
        is_answer = {e for e in entries if self.is_reply(e)}
        terms = {
            "begins": self.begins(post_id),
            "begins_by_habit": self.begins(post_id) * log(begun / (10 + len(answers) - begun)),
            "answers_you": to_viewer,
            "below_your_post": below,
            "your_thread": yours,
            "continues_itself": line[:1] == [author],
            "answered_already": any(
                self.posts[e]["parent_id"] == post_id and self.posts[e]["author_id"] != author
                for e in is_answer
            ),
            "answers_to_author": log1p(sum(to_author)),
            "posts_of_author": log1p(sum(self.posts[e]["author_id"] == author for e in entries)),
            "later_in_thread": log1p(
                sum(self.place(e) == self.place(post_id) and e > post_id for e in entries)
            ),
        }
        return sum(CATCH_UP[name] * value for name, value in terms.items())
