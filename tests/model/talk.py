"""Mentions, what waits for an answer, and conversations: rules 25 to 27."""

from tests.model.home import LINE, Home
from tests.model.said import Json
from tests.model.seen import HIDDEN

NEAR = 4


class Talk(Home):
    """Who is spoken to by what."""

    def mentions(self, viewer: int) -> list[Json]:
        """Rule 25, newest first."""
        found = []
        for post_id in sorted(self.posts, reverse=True):
            if why := self.speaks_to(viewer, post_id):
                reason = {"kind": "mention", "by": self.posts[post_id]["author_id"]}
                item = self.present(viewer, post_id, "mentions", reason)
                found.append(item | {"why": why})
        return found

    def unanswered(self, viewer: int) -> list[Json]:
        """Rule 26, newest first."""
        return [
            item
            for item in self.mentions(viewer)
            if item["why"] in ("mention", "reply")
            and not self.answered(viewer, item["post_id"])
            and (viewer, f"unanswered:{item['post_id']}") not in self.read
        ]

    def conversations(self, viewer: int) -> list[Json]:
        """Rule 27, by last activity."""
        threads: dict[int, list[int]] = {}
        for post_id in sorted(self.posts, reverse=True):
            root = self.root(post_id)
            if root is not None and self.counts(viewer, post_id):
                threads.setdefault(root, []).append(post_id)
        return [
            self.conversation(viewer, root, posts)
            for root, posts in threads.items()
            if (viewer, root) not in self.silent
            and {viewer} < {self.posts[each]["author_id"] for each in posts}
            and posts[0] >> 22 > self.oldest
        ]

    def conversation(self, viewer: int, root: int, posts: list[int]) -> Json:
        """What is in the inbox of a thread, whose posts are given newest first."""
        authors = [self.posts[each]["author_id"] for each in posts]
        read = self.read.get((viewer, f"conversation:{root}"), posts[authors.index(viewer)])
        new = [post for post, by in zip(posts, authors, strict=True) if by != viewer]
        people = list(dict.fromkeys(authors))
        shown = people[:20] if viewer in people[:20] else [*people[:19], viewer]
        return {
            "root_id": root,
            "last_post_id": posts[0],
            "new": min(100, sum(post > read for post in new)),
            "participants": shown,
            "participant_count": min(100, len(people)),
        }

    def counts(self, viewer: int, post_id: int) -> bool:
        """Whether V may see the post as one of its thread, whatever else is hidden there."""
        hidden = self.blockers(viewer, post_id) or self.muted(viewer, post_id)
        if self.posts[post_id]["repost_of"] or self.unseen(viewer, post_id) or hidden:
            return False
        line = [each for each in self.line(post_id) if each in self.posts]
        refused = any(map(self.against_gate, line))
        return not refused and not self.word(viewer, post_id, "threads", HIDDEN)

    def speaks_to(self, viewer: int, post_id: int) -> str | None:
        """Why the post is in V's mentions; None where it is not."""
        post = self.posts[post_id]
        silent = (viewer, self.root(post_id)) in self.silent
        if post["author_id"] == viewer or post["repost_of"] or silent:
            return None
        if self.unseen(viewer, post_id) or post_id >> 22 <= self.oldest:
            return None
        if self.blockers(viewer, post_id) or self.muted(viewer, post_id):
            return None
        if self.against_gate(post_id) or self.word(viewer, post_id, "mentions", HIDDEN):
            return None
        if viewer in post["mentions"]:
            return "mention"
        place = self.in_line(viewer, post_id)
        return "quote" if place != "reply" and self.quotes_viewer(viewer, post_id) else place

    def quotes_viewer(self, viewer: int, post_id: int) -> bool:
        """Whether V wrote what the post quotes, it is there, and V did not take it out."""
        quoted = self.posts[post_id]["quote_of"]
        if quoted not in self.posts or self.posts[quoted]["author_id"] != viewer:
            return False
        return not self.is_gone(quoted) and not self.is_detached(post_id)

    def in_line(self, viewer: int, post_id: int) -> str | None:
        """Up to four above: what V may not see ends the climb, what is gone tells nobody."""
        for steps, above in enumerate(self.above(post_id, NEAR)):
            hidden = self.blockers(viewer, above) or self.muted(viewer, above)
            if not self.in_audience(viewer, above) or hidden:
                return None
            if self.posts[above]["author_id"] == viewer and not self.is_gone(above):
                return "line" if steps else "reply"
        return None

    def above(self, post_id: int, levels: int) -> list[int]:
        """The nearest so many ancestors, up to the first unknown one."""
        line = [post_id]
        while len(line) <= levels:
            parent = self.posts[line[-1]]["parent_id"]
            if parent not in self.posts or parent in line:
                break
            line.append(parent)
        return line[1:]

    def answered(self, viewer: int, post_id: int) -> bool:
        """Whether a post of V's lives within 64 levels below."""
        return any(
            post_id in self.above(each, LINE)
            for each in self.written[viewer]
            if not self.posts[each]["repost_of"]
            and not self.is_gone(each)
            and not self.against_gate(each)
        )
