"""What keeps a post from a viewer wherever it stands: rules 4 to 7, 10 and 23."""

from collections.abc import Sequence

from tests.model.posts import Posts
from tests.model.said import Json, Viewer
from tests.model.text import contains, count

BARE_WORDS = 3
HIDDEN, WARNED = "hide", "warn"
PAGE, LISTED = "page", "listed"
"""What is asked for by its id or author ignores mutes; tags, search and quotes, those of words."""


def is_bare(post: Json) -> bool:
    """Rule 7: a post with a link, and fewer than three words without its links."""
    text = post["text"]
    for link in sorted(post["links"], key=len, reverse=True):  # one may begin another
        text = text.replace(link, " ")
    return bool(post["links"]) and count(text) < BARE_WORDS


class Seen(Posts):
    """What each rule says of a post and a viewer, wherever he looks."""

    pending: frozenset[str] = frozenset()

    def in_audience(self, viewer: Viewer, post_id: int) -> bool:
        """Rule 5, of a post alone; one that is gone keeps its audience."""
        post = self.posts[post_id]
        named = viewer is not None and viewer in {post["author_id"], *post["mentions"]}
        follows = post["author_id"] in self.edges[viewer]
        audience = {"public": True, "unlisted": viewer is not None, "followers": named or follows}
        return audience.get(post["visibility"], named)

    def shows(self, post_id: int) -> list[int]:
        """The post and the original that it shows; rule 4: nothing while that is unknown."""
        original = self.original(post_id)
        return [post_id, original] if original else []

    def shows_known(self, post_id: int) -> list[int]:
        """Whichever of a post and the original that it shows are known."""
        return list(dict.fromkeys([post_id, *self.shows(post_id)])) if post_id in self.posts else []

    def readable(self, viewer: Viewer, post_id: int) -> bool:
        """Rules 4 and 5: whether V is of the audience of all that the post shows."""
        shown = self.shows(post_id) if post_id in self.posts else []
        return bool(shown) and all(self.in_audience(viewer, each) for each in shown)

    def is_gone(self, post_id: int) -> bool:
        """Rules 8 and 10, of a post alone."""
        post = self.posts[post_id]
        return post["deleted"] or post["author_id"] in self.gone

    def unseen(self, viewer: Viewer, post_id: int) -> str | None:
        """Rules 4, 5, 8 and 10: what stands for a post that V may not read."""
        if post_id not in self.posts or not self.in_audience(viewer, post_id):
            return "missing"
        if self.is_gone(post_id):
            return "deleted"
        whole = self.readable(viewer, post_id) and not any(map(self.is_gone, self.shows(post_id)))
        return None if whole else "missing"

    def people_of(self, viewer: Viewer, post_id: int) -> set[int]:
        """Rule 6: the authors and the mentioned of what others wrote of what the post shows."""
        shown = [self.posts[each] for each in self.shows(post_id)]
        others = [post for post in shown if post["author_id"] != viewer]
        people = {each for post in others for each in {post["author_id"], *post["mentions"]}}
        return people - {viewer or 0}

    def blockers(self, viewer: Viewer, post_id: int) -> set[Viewer]:
        """Rule 6: the owners of the blocks that keep the post from V."""
        people = self.people_of(viewer, post_id)
        pairs = {pair for each in people for pair in ((viewer, each), (each, viewer))}
        return {owner for owner, target in self.blocks & pairs}

    def muted(self, viewer: Viewer, post_id: int) -> bool:
        """Rule 6: as a person; the scope `reposts` is about those that the muted one makes."""
        mutes, post = self.mutes[viewer], self.posts[post_id]
        by_muted = post["repost_of"] and post["author_id"] in mutes
        return by_muted or any(mutes.get(p) == "all" for p in self.people_of(viewer, post_id))

    def word(self, viewer: Viewer, post_id: int, context: str, action: str) -> str | None:
        """Rule 7: the first phrase with this action that stands in what the post shows."""
        post = self.posts[self.original(post_id) or 0]
        if post["author_id"] == viewer or context in (PAGE, LISTED):
            return None
        for mute in self.keywords[viewer]:
            here = not mute["contexts"] or context in mute["contexts"]
            if (
                here
                and mute["action"] == action
                and contains(post["text"], mute["phrase"], whole=mute["whole_word"])
            ):
                return str(mute["phrase"])
        return None

    def placeholder(self, viewer: Viewer, post_id: int, where: str = "threads") -> str | None:
        """Rules 21, 22 and 32: what stands for a post that V is not shown; a page ignores mutes."""
        if unseen := self.unseen(viewer, post_id):
            return unseen
        if self.blockers(viewer, post_id):
            return "blocked"
        worded = self.word(viewer, post_id, where, HIDDEN)
        return "muted" if where != PAGE and (worded or self.muted(viewer, post_id)) else None

    def is_detached(self, quote: int) -> bool:
        """Rule 32: by the author of what it quotes, of a repost also by the original's."""
        shown = [self.posts[each] for each in self.shows_known(self.posts[quote]["quote_of"])]
        return any(post["author_id"] in self.posts[quote]["detached_by"] for post in shown)

    def present(
        self,
        viewer: Viewer,
        post_id: int,
        where: str,
        reason: Json | None = None,
        by: Sequence[int] = (),
    ) -> Json:
        """A post as it is shown in such a place, with what it quotes, one level deep (32)."""
        item = self.item(post_id, reason, by, self.word(viewer, post_id, where, WARNED))
        if quote := item["quote"]:
            quoted = quote["post_id"]
            stands = self.placeholder(viewer, quoted, where)
            quote["placeholder"] = "missing" if self.is_detached(self.original(post_id)) else stands
            if not quote["placeholder"]:
                warning = self.word(viewer, quoted, where, WARNED)
                quote["item"] = self.item(quoted, warn=warning)
        return item

    def against_gate(self, post_id: int) -> bool:
        """Rule 23: a reply that its root does not admit now."""
        reply, root = self.posts[post_id], self.posts.get(self.root(post_id) or 0)
        if "gates" in self.pending or not reply["parent_id"] or reply["repost_of"] or not root:
            return False
        gate, author = root["reply_gate"], reply["author_id"]
        return gate is not None and author != root["author_id"] and not self.admits(root, author)

    def admits(self, root: Json, author: int) -> bool:
        starter = root["author_id"]
        admitted = {
            "mentioned": author in root["mentions"],
            "followers": starter in self.edges[author],
            "followed": author in self.edges[starter],
        }
        gate: Sequence[str] = root["reply_gate"]
        return any(
            admitted[each] if each in admitted else self.has_listed(starter, author, each)
            for each in gate
        )

    def has_listed(self, starter: int, author: int, gate: str) -> bool:
        known = self.lists.get(int(gate.removeprefix("list:")))
        return known is not None and known["owner"] == starter and author in known["members"]
