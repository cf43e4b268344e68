"""Threads: rules 20 to 23, and 6 and 7 in them."""

from tests.model.home import LINE
from tests.model.said import Json, Viewer
from tests.model.seen import Seen

ANCESTORS, LEVELS, BRANCHES, BELOW_EACH_REPLY = 80, 20, 10, 400


class Threads(Seen):
    """What a thread is made of, and what is counted but not given."""

    def thread(self, viewer: Viewer, asked: int, sort: str = "conversation") -> list[Json] | None:
        """Rules 20 to 22; None where there is nothing to be seen."""
        if asked in self.posts and self.posts[asked]["repost_of"]:
            if self.unseen(viewer, asked) or self.placeholder(viewer, asked) == "blocked":
                return None
            original = self.original(asked)
            return None if original is None else self.thread(viewer, original, sort)
        root, line = self.root(asked), self.line(asked)
        if not self.has_thread(viewer, line):
            return None
        started = self.posts[root]["author_id"] if root in self.posts else None

        def place(reply: int) -> tuple[int, int]:
            if sort != "conversation":
                return 0, -reply if sort == "newest" else reply
            missing = self.unseen(viewer, reply) == "missing"
            by = 0 if missing else self.posts[reply]["author_id"]
            return [by == started, by == viewer, by in self.edges[viewer], True].index(True), reply

        def replies(post_id: int) -> list[int]:
            below = set(self.living(viewer, line, post_id)) - self.hidden(viewer, line, post_id)
            return sorted(below, key=place)

        def preorder(post_id: int, depth: int) -> list[tuple[int, int]]:
            below = replies(post_id)[:BRANCHES] if depth < LEVELS else []
            return [(post_id, depth), *(row for each in below for row in preorder(each, depth + 1))]

        rows = [(each, -depth) for depth, each in enumerate(line)][ANCESTORS::-1]
        rows += [p for each in replies(asked) for p in preorder(each, 1)[: 1 + BELOW_EACH_REPLY]]
        given, shown = {each for each, _ in rows}, list[Json]()
        for post_id, depth in rows:
            cut = len(set(replies(post_id)) - given) if depth >= 0 else 0
            hidden = len(self.hidden(viewer, line, post_id)) if depth >= 0 else 0
            row: Json = {"post_id": post_id, "depth": depth, "truncated": cut, "hidden": hidden}
            row["placeholder"] = self.stands_for(viewer, line, post_id)
            if not row["placeholder"]:
                row |= self.present(viewer, post_id, "threads")
            shown.append(row)
        return shown

    def has_thread(self, viewer: Viewer, line: list[int]) -> bool:
        """Rules 21 to 23: what is asked for can be seen, and is not below a reply against a gate.

        Mutes are ignored for what is asked for explicitly, blocks never (6).
        """
        asked = line[0]
        if self.unseen(viewer, asked) == "missing" or self.posts[asked]["repost_of"]:
            return False
        barred = any(each in self.posts and self.against_gate(each) for each in line)
        blocked = self.placeholder(viewer, asked) == "blocked"
        return not barred and not blocked and self.lives(viewer, line, asked)

    def below(self, line: list[int], post_id: int) -> set[int]:
        """Replies; of an unknown parent only those that the conversation of `line` claims."""
        replies, root = self.children[post_id].difference(line), self.root(line[0])
        claimed = {each for each in replies if post_id in self.posts or self.root(each) == root}
        return {each for each in claimed if each not in self.posts or not self.against_gate(each)}

    def lives(self, viewer: Viewer, line: list[int], post_id: int, levels: int = LINE) -> bool:
        """Rule 22: readable (blocked and muted ones are), or over a post that is."""
        if not self.unseen(viewer, post_id):
            return True
        below = self.below(line, post_id) if levels else ()
        return any(self.lives(viewer, line, each, levels - 1) for each in below)

    def living(self, viewer: Viewer, line: list[int], post_id: int) -> set[int]:
        """The replies that have a place, or are counted where they are not given."""
        return {each for each in self.below(line, post_id) if self.lives(viewer, line, each)}

    def hidden(self, viewer: Viewer, line: list[int], post_id: int) -> set[int]:
        """Rules 6 and 21: replies that are not given, with all below them, but counted."""
        asked = line[0]
        return {
            each
            for each in self.living(viewer, line, post_id)
            if self.kind(viewer, asked, each) in ("blocked", "muted")
            or self.apart(viewer, asked, each, post_id)
        }

    def kind(self, viewer: Viewer, asked: int, post_id: int) -> str | None:
        """What stands for a post, whatever is next to it."""
        kind = self.placeholder(viewer, post_id)
        return None if kind == "muted" and post_id == asked else kind

    def apart(self, viewer: Viewer, asked: int, reply: int, above: int) -> bool:
        """Rule 6: there is a block between two authors of whom one answers the other."""
        if self.kind(viewer, asked, reply) or self.kind(viewer, asked, above):
            return False
        return self.blocked(self.posts[reply]["author_id"], self.posts[above]["author_id"])

    def stands_for(self, viewer: Viewer, line: list[int], post_id: int) -> str | None:
        """What is given instead of a post; above a reply also for a block between others."""
        kind, at = (
            self.kind(viewer, line[0], post_id),
            line.index(post_id) if post_id in line else 0,
        )
        return "blocked" if at and self.apart(viewer, line[0], line[at - 1], post_id) else kind
