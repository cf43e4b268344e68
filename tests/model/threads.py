"""Threads: rules 20 to 24, and 6 and 7 in them."""

from collections.abc import Iterator

from tests.model.home import LINE
from tests.model.said import Json, Viewer
from tests.model.seen import Seen

ANCESTORS, LEVELS, BRANCHES, BELOW_EACH_REPLY = 80, 20, 10, 400
EARLY, COUNTED, LARGEST_PAGE = 1_000, 100, 400


class Threads(Seen):
    """What a thread is made of, and what is counted but not given."""

    def thread(self, viewer: Viewer, asked: int, sort: str = "conversation") -> list[Json] | None:
        """All pages of a thread, the largest ones, as one."""
        pages = self.thread_pages(viewer, asked, sort, LARGEST_PAGE)
        return None if pages is None else [row for page in pages for row in page]

    def thread_pages(
        self, viewer: Viewer, asked: int, sort: str = "conversation", limit: int = 100
    ) -> list[list[Json]] | None:
        """Rule 24: so many direct replies on each; None where there is nothing to be seen."""
        if asked in self.posts and self.posts[asked]["repost_of"]:
            if self.unseen(viewer, asked) or self.placeholder(viewer, asked) == "blocked":
                return None
            original = self.original(asked)
            return None if original is None else self.thread_pages(viewer, original, sort, limit)
        thread = Thread(self, viewer, self.line(asked), sort)
        return thread.pages(limit) if thread.is_there() else None


class Thread:
    """The thread of the first post of a line, whose others stand above it, for one viewer."""

    def __init__(self, told: Seen, viewer: Viewer, line: list[int], sort: str) -> None:
        self.told, self.viewer, self.line, self.sort = told, viewer, line, sort
        self.asked, self.root = line[0], told.root(line[0])
        self.starter = told.posts[self.root]["author_id"] if self.root in told.posts else None

    def pages(self, limit: int) -> list[list[Json]]:
        """The first begins with what is above, and the post itself."""
        direct = [each for each in self.replies(self.asked) if not self.is_hidden(each, self.asked)]
        first = [self.row(p, -depth) for depth, p in enumerate(self.line)][ANCESTORS:0:-1]
        _, more, hidden = self.given(self.asked, limit)
        first.append(self.row(self.asked, 0) | {"truncated": more, "hidden": hidden})
        starts = range(0, max(1, len(direct)), limit)
        pages = [direct[start : start + limit] for start in starts]
        below = [[row for reply in page for row in self.branch(reply)] for page in pages]
        return [[*first, *below[0]], *below[1:]]

    def branch(self, reply: int) -> list[Json]:
        """Rule 21: a direct reply and the first posts in preorder below it."""
        rows = list(self.preorder(reply, 1))[: 1 + BELOW_EACH_REPLY]
        shown, places = list[Json](), {post for post, _ in rows}
        for post, depth in rows:
            given, more, hidden = self.given(post, BRANCHES)
            cut = more + len(set(given) - places)
            shown.append(self.row(post, depth) | {"truncated": min(cut, COUNTED), "hidden": hidden})
        return shown

    def preorder(self, post: int, depth: int) -> Iterator[tuple[int, int]]:
        yield post, depth
        for each in self.given(post, BRANCHES)[0] if depth < LEVELS else ():
            yield from self.preorder(each, depth + 1)

    def given(self, post: int, most: int) -> tuple[list[int], int, int]:
        """The replies given; how many more there are and how many are hidden up to the last."""
        given, more, hidden = list[int](), 0, 0
        for reply in self.replies(post):
            if more == COUNTED:
                break
            if self.is_hidden(reply, post):
                hidden += 1
            elif len(given) < most:
                given.append(reply)
            else:
                more += 1
        return given, more, min(hidden, COUNTED)

    def row(self, post: int, depth: int) -> Json:
        told, place = self.told, {"post_id": post, "depth": depth, "truncated": 0, "hidden": 0}
        kind = self.stands_for(post)
        shown = {} if kind else told.present(self.viewer, post, "threads")
        return shown | place | {"placeholder": kind}

    def replies(self, post: int) -> list[int]:
        """Rule 20: those that have a place or are counted, in their order."""
        early = set(sorted(self.told.announced[post])[:EARLY])

        def place(reply: int) -> tuple[int, int]:
            if self.sort != "conversation":
                return 0, -reply if self.sort == "newest" else reply
            missing = self.told.unseen(self.viewer, reply) == "missing"
            by = 0 if missing else self.told.posts[reply]["author_id"]
            followed = by in self.told.edges[self.viewer] and reply in early
            return [by == self.starter, by == self.viewer, followed, True].index(True), reply

        return sorted((each for each in self.below(post) if self.lives(each)), key=place)

    def below(self, post: int) -> set[int]:
        """Replies; of an unknown parent only those that the conversation claims."""
        told, replies = self.told, self.told.children[post].difference(self.line)
        if post not in told.posts:
            replies = {each for each in replies if told.root(each) == self.root}
        elif post != self.asked:
            replies &= self.looked_at(post)
        return {each for each in replies if each not in told.posts or not told.against_gate(each)}

    def looked_at(self, post: int) -> set[int]:
        """Rule 21: of a reply's replies the first, and those by the root's author and by V."""
        announced = self.told.announced[post]
        looked = set(sorted(announced, reverse=self.sort == "newest")[:EARLY])
        for own in (self.starter, self.viewer) if self.sort == "conversation" else ():
            looked |= set(sorted(each for each in announced if own in announced[each])[:EARLY])
        return looked

    def is_there(self) -> bool:
        """Rules 21 to 23: what is asked for can be seen, and is not below a reply against a gate.

        Mutes are ignored for what is asked for explicitly, blocks never (6).
        """
        told, asked = self.told, self.asked
        if told.unseen(self.viewer, asked) == "missing" or told.posts[asked]["repost_of"]:
            return False
        barred = any(each in told.posts and told.against_gate(each) for each in self.line)
        blocked = told.placeholder(self.viewer, asked) == "blocked"
        return not barred and not blocked and self.lives(asked)

    def lives(self, post: int, levels: int = LINE) -> bool:
        """Rule 22: readable (blocked and muted ones are), or over a post that is."""
        if not self.told.unseen(self.viewer, post):
            return True
        return bool(levels) and any(self.lives(each, levels - 1) for each in self.below(post))

    def is_hidden(self, reply: int, above: int) -> bool:
        """Rules 6 and 21: a reply that is not given, with all below it, but counted."""
        return self.kind(reply) in ("blocked", "muted") or self.apart(reply, above)

    def kind(self, post: int) -> str | None:
        """What stands for a post, whatever is next to it."""
        kind = self.told.placeholder(self.viewer, post)
        return None if kind == "muted" and post == self.asked else kind

    def apart(self, reply: int, above: int) -> bool:
        """Rule 6: there is a block between two authors of whom one answers the other."""
        if self.kind(reply) or self.kind(above):
            return False
        posts = self.told.posts
        return self.told.blocked(posts[reply]["author_id"], posts[above]["author_id"])

    def stands_for(self, post: int) -> str | None:
        """What is given instead of a post; above a reply also for a block between others."""
        at = self.line.index(post) if post in self.line else 0
        return "blocked" if at and self.apart(self.line[at - 1], post) else self.kind(post)
