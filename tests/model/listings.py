"""Authors' pages, single posts, lists, tags and search: rules 5, 6, 8, 10, 16 to 18 and 23."""

from collections.abc import Collection, Iterable, Iterator

from tests.model.home import Home
from tests.model.said import Json, Viewer, plain
from tests.model.seen import LISTED, PAGE
from tests.model.text import normal, parts, words


class Listings(Home):
    """Every listing but homes and threads, whole and newest first."""

    def post(self, viewer: Viewer, post_id: int) -> Json | None:
        """A post asked for by its id: blocks hide it, mutes do not. None is 404."""
        hidden = self.unseen(viewer, post_id) or self.blockers(viewer, post_id)
        return None if hidden else self.present(viewer, post_id, PAGE)

    def author_page(self, viewer: Viewer, author: int, replies: str = "all") -> list[Json]:
        """Rules 6 and 18: ignores mutes, never blocks; a repost is no reply."""
        if viewer is not None and self.blocked(author, viewer):
            return []
        wanted = {"all": (True, False), "none": (False,), "only": (True,)}[replies]
        posts = sorted(self.written[author], reverse=True)
        items = [self.post(viewer, each) for each in posts if self.is_reply(each) in wanted]
        return [item for item in items if item]

    def list_timeline(self, viewer: Viewer, list_id: int) -> list[Json] | None:
        """Rule 16: what the members wrote and reposted; None is 404."""
        known = self.lists.get(list_id)
        if viewer is None or not known or known["owner"] != viewer:
            return None
        owed = (post for member in known["members"] for post in self.written[member])
        shown = {post for post in owed if self.in_list(viewer, known, post)}

        def present(place: int, by: list[int]) -> Json:
            reason = {"kind": "list", "by": self.posts[place]["author_id"]}
            return self.present(viewer, place, "home", reason, by)

        return self.in_places(shown, present)

    def in_list(self, viewer: int, known: Json, post_id: int) -> bool:
        """Rules 2, 4, 6, 7, 16 and 23; what a follow edge says is of home alone."""
        if not self.readable(viewer, post_id) or self.against(viewer, post_id) - {"exclusive"}:
            return False
        post, original = self.posts[post_id], self.posts[self.shows(post_id)[-1]]
        if self.against_gate(self.shows(post_id)[-1]):
            return False
        if original["author_id"] != viewer and self.hides_bare(viewer, original):
            return False
        if self.has_left(viewer, post_id):
            return False
        if post["repost_of"]:
            return bool(known["reposts"])
        return post["author_id"] == viewer or self.answers_list(viewer, known, post)

    def answers_list(self, viewer: int, known: Json, post: Json) -> bool:
        """Rule 16: the list's reply rule; an unknown parent is a stranger's."""
        if not post["parent_id"]:
            return True
        parent = self.posts.get(post["parent_id"], {"author_id": 0})["author_id"]
        more = {"none": (), "list": known["members"], "followed": self.edges[viewer]}
        return parent in {viewer, post["author_id"], *more[known["replies"]]}

    def tag_timeline(
        self,
        viewer: Viewer,
        any_of: Collection[str],
        all_of: Collection[str] = (),
        none_of: Collection[str] = (),
    ) -> list[Json]:
        """Rule 17: one of `any_of` (the path's tag is among them), all of `all_of`, no other."""
        wanted, needed, barred = (set(map(plain, tags)) for tags in (any_of, all_of, none_of))
        found = []
        tagged = {each for tag in wanted for each in self.tagged[tag]}
        owed = (each for each in tagged if self.posts[each]["visibility"] == "public")
        for post_id in self.listed(viewer, owed):
            tags = set(map(plain, self.posts[post_id]["tags"]))
            if needed <= tags and not barred & tags:
                reason = {"kind": "tag", "by": self.posts[post_id]["author_id"]}
                found.append(self.present(viewer, post_id, LISTED, reason))
        return found

    def search(
        self,
        viewer: Viewer,
        text: str = "",
        *,
        author: int | None = None,
        tag: str | None = None,
        since: int | None = None,
        until: int | None = None,
        conversation: int | None = None,
    ) -> list[Json]:
        """Rule 18: all of the words; `since` (from it on) and `until` (before it) are post ids."""

        def found(post_id: int) -> bool:
            post = self.posts[post_id]
            return (
                words(text) <= words(post["text"])
                and all(part in normal(post["text"]) for part in parts(text))
                and author in (None, post["author_id"])
                and (tag is None or post_id in self.tagged[plain(tag)])
                and (since or 0) <= post_id
                and (until is None or post_id < until)
                and conversation in (None, self.root(post_id))
            )

        owed = (post_id for post_id in self.posts if self.posts[post_id]["visibility"] == "public")
        return [
            self.present(viewer, post_id, LISTED)
            for post_id in self.listed(viewer, owed)
            if found(post_id)
        ]

    def quotes(self, viewer: Viewer, quoted: int) -> list[Json] | None:
        """Rule 32: the quotes of a post, but for those that it was taken out of; None is 404."""
        if self.post(viewer, quoted) is None:
            return None
        owed = (post for post in self.posts if self.posts[post]["quote_of"] == quoted)
        return [
            self.present(viewer, post, LISTED)
            for post in self.listed(viewer, owed)
            if not self.is_detached(post)
        ]

    def listed(self, viewer: Viewer, owed: Iterable[int]) -> Iterator[int]:
        """Of these, newest first: no reposts, nothing muted, blocked or against a gate."""
        for post_id in sorted(owed, reverse=True):
            if self.posts[post_id]["repost_of"]:
                continue
            hidden = self.unseen(viewer, post_id) or self.blockers(viewer, post_id)
            if not hidden and not self.muted(viewer, post_id) and not self.against_gate(post_id):
                yield post_id
