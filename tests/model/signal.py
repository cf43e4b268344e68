"""Signal: rule 29, as the documented formula over what home shows."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from math import log, log1p
from unicodedata import normalize

from tests.model.said import EPOCH_MS, Json
from tests.model.talk import Talk

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
ORDERED, OWN = 500, 200
NOBODY = None


def letters(text: str) -> str:
    """A text without links, names, numbers, signs and case."""
    words = [word for word in text.split() if not word.startswith(("https://", "http://", "@"))]
    return "".join(each for each in normalize("NFKC", "".join(words)).casefold() if each.isalpha())


class Signal(Talk):
    """Home in the order in which V may want to answer."""

    def signal(self, viewer: int, weights: Mapping[str, float]) -> list[tuple[int, float | None]]:
        """Ids in order, each with its score; behind the ordered ones none has a score."""
        home = [item["post_id"] for item in self.home(viewer)]
        since = self.now_ms - 3 * DAY_MS
        window = [post for post in home if self.written_at(post) >= since][:ORDERED]
        scored = {post: self.signal_score(viewer, post, window, weights) for post in window}
        by_score = sorted(window, key=lambda post: (-scored[post], -post))
        settled = [post for post in by_score if self.is_settled(viewer, post)]
        ranked = [post for post in by_score if post not in settled]
        groups = self.groups(viewer, ranked, window)
        folded = [post for post in ranked if any(post in group[1:] for group in groups)]
        shown = [post for post in ranked if post not in folded]
        return [(post, scored[post]) for post in (*shown, *folded, *settled)] + [
            (post, None) for post in home if post not in scored
        ]

    def groups(self, viewer: int, ranked: list[int], window: list[int]) -> list[list[int]]:
        """What is folded into one, best first: broadcasts, and the same words or links thrice."""
        sets: list[set[int]] = []
        for author in {self.shown(post)["author_id"] for post in window}:
            theirs = [post for post in window if self.shown(post)["author_id"] == author]
            if self.is_broadcaster(viewer, author, theirs):
                sets.append({post for post in theirs if not self.shown(post)["parent_id"]})
            sets += self.repeated([post for post in theirs if post in ranked])
        joined: list[set[int]] = []
        for found in sets:
            members = {each for each in found if each in ranked and not self.is_to(viewer, each)}
            touching = [group for group in joined if group & members]
            joined = [group for group in joined if not group & members]
            joined.append(members.union(*touching))
        return [[each for each in ranked if each in group] for group in joined]

    def is_broadcaster(self, viewer: int, author: int, theirs: list[int]) -> bool:
        """Whether somebody begins five threads, and answers others less than once in ten posts."""
        begun = sum(not self.shown(post)["parent_id"] for post in theirs)
        above = [self.line_authors(viewer, self.original(post) or post)[0] for post in theirs]
        to_others = sum(each not in (NOBODY, author) for each in above)
        return begun >= 5 and to_others * 10 < len(theirs)

    def repeated(self, theirs: list[int]) -> list[set[int]]:
        """Three posts or more of an author with the same letters, or the same links."""
        alike: dict[object, set[int]] = defaultdict(set)
        for post in theirs:
            if said := letters(self.shown(post)["text"]):
                alike[said].add(post)
            if links := frozenset(self.shown(post)["links"]):
                alike[links].add(post)
        return [posts for posts in alike.values() if len(posts) >= 3]

    def is_to(self, viewer: int, post: int) -> bool:
        """Whether it answers V or stands below a post of V's."""
        return viewer in self.line_authors(viewer, self.original(post) or post)

    def shown(self, post: int) -> Json:
        """What stands there: of a repost the original."""
        return self.posts[self.original(post) or post]

    def written_at(self, post: int) -> int:
        """When, by its id."""
        return (post >> 22) + EPOCH_MS

    @property
    def now_ms(self) -> int:
        """The moment of ordering."""
        return self.now_us // 1_000

    def is_settled(self, viewer: int, post: int) -> bool:
        """V's own, what V reposted, and what V answered."""
        shown = self.original(post) or post
        answered = {
            self.posts[each]["parent_id"]
            for each in self.own_latest(viewer)
            if not self.against_gate(each)
        }
        authors = {self.posts[post]["author_id"], self.posts[shown]["author_id"]}
        return viewer in authors or shown in answered

    def signal_score(
        self, viewer: int, post: int, window: list[int], weights: Mapping[str, float]
    ) -> float:
        """The sum of weighted terms."""
        terms = self.terms(viewer, post, window)
        return round(sum(weights[name] * value for name, value in terms.items()), 6)

    def terms(self, viewer: int, post: int, window: list[int]) -> dict[str, float]:
        """Each as decision 31 has it."""
        shown, own = self.original(post) or post, self.own_latest(viewer)
        author, parent = self.posts[shown]["author_id"], self.posts[shown]["parent_id"]
        line = self.line_authors(viewer, shown)
        to_v, below = line[0] == viewer, viewer in line[1:] and line[0] != viewer
        roots = {self.root_or_self(each) for each in own}
        hours = log1p(max(0, self.now_ms - self.written_at(post)) / HOUR_MS)
        begins, delay = self.habits(viewer, own)
        authors = Counter(self.posts[self.original(p) or p]["author_id"] for p in window)
        thread = self.root_or_self(shown)
        decayed = sum(
            2 ** (-(self.now_ms - self.written_at(each)) / (180 * DAY_MS))
            for each in own
            if self.line_authors(viewer, each)[0] == author
        )
        since = sum(self.written_at(each) >= self.written_at(post) for each in own)
        later = sum(p > post and self.root_or_self(self.original(p) or p) == thread for p in window)
        return {
            "hours": hours,
            "hours_over_12": max(0, hours - log1p(12)),
            "hours_by_habit": hours * delay,
            "begins": not parent,
            "begins_by_habit": begins if not parent else 0,
            "answers_you": to_v,
            "below_your_post": below,
            "your_thread": thread in roots and not to_v and not below,
            "continues_itself": line[0] == author,
            "answered_already": self.has_visible_answer(viewer, post),
            "answers_to_author": log1p(decayed),
            "own_posts_since": log1p(since),
            "posts_of_author": log1p(authors[author]),
            "later_in_thread": log1p(later),
        }

    def habits(self, viewer: int, own: list[int]) -> tuple[float, float]:
        """Log odds that V answers beginnings, and by how much later than others; ten are usual."""
        begun, delays, count = 5.0, 20.0, 10
        for each in own:
            if self.line_authors(viewer, each)[0] is not NOBODY:
                parent = self.posts[each]["parent_id"]
                count += 1
                begun += not self.posts[parent]["parent_id"]
                delays += log1p(max(0, self.written_at(each) - self.written_at(parent)) / HOUR_MS)
        return log(begun / (count - begun)), delays / count - 2

    def own_latest(self, viewer: int) -> list[int]:
        """V's latest living posts, without reposts."""
        return [
            each
            for each in sorted(self.written[viewer])[-OWN:]
            if not self.posts[each]["repost_of"] and not self.is_gone(each)
        ]

    def line_authors(self, viewer: int, post: int) -> list[int | None]:
        """Of the nearest four, up to what V may not see; who is gone is nobody."""
        line: list[int | None] = []
        for above in self.above(post, 4):
            if self.is_hidden(viewer, above):
                break
            line.append(NOBODY if self.is_gone(above) else self.posts[above]["author_id"])
        return [*line, NOBODY]

    def has_visible_answer(self, viewer: int, post: int) -> bool:
        """By somebody else, in V's eyes."""
        return any(
            said["parent_id"] == post
            and not said["repost_of"]
            and said["author_id"] != self.posts[post]["author_id"]
            and not self.is_gone(each)
            and not self.is_hidden(viewer, each)
            and not self.against_gate(each)
            for each, said in self.posts.items()
        )

    def is_hidden(self, viewer: int, post: int) -> bool:
        """By its audience, a block or a mute."""
        hidden = self.blockers(viewer, post) or self.muted(viewer, post)
        return bool(hidden) or not self.in_audience(viewer, post)

    def root_or_self(self, post: int) -> int:
        """The conversation, also of an orphan."""
        return self.root(post) or post
