"""Home timelines and why a post is in them or not: rules 1 to 10, 16, 17, 23 and 31."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple

from tests.model.said import DAY_MS, Json
from tests.model.seen import HIDDEN, Seen, is_bare

LINE = 64
RULES = {
    "deleted": 8,
    "suspended": 10,
    "people": 6,
    "retention": 2,
    "gate": 23,
    "exclusive": 16,
    "words": 7,
    "no edge": 2,
    "repost": 4,
    "replies": 3,
}
"""What may keep a post out of home, in the order of rule 31, and the rule that says so."""


def has_language(wanted: str, lang: str | None) -> bool:
    """Rule 7: part by part, as far as something is wanted; who states no language has all."""
    if not lang or lang.lower() == "und" or wanted == "*":
        return True
    parts = wanted.lower().split("-")
    return lang.lower().split("-")[: len(parts)] == parts


class Verdict(NamedTuple):
    """`kind` is of the reason for which a post is in home; `rule` is the one that decided."""

    kind: str | None
    rule: int
    against: str | None = None


class Home(Seen):
    """What is in home: a reason, and nothing against it."""

    def home(self, viewer: int) -> list[Json]:
        """Rules 1 and 2: what V and V's followees wrote, and what has a tag V follows."""
        owed = {post for by in {viewer, *self.edges[viewer]} for post in self.written[by]}
        owed |= {post for tag in self.tags[viewer] for post in self.tagged[tag]}
        shown = {post: v for post in owed if (v := self.verdict(viewer, post)).kind}

        def present(place: int, by: list[int]) -> Json:
            reason = {"kind": shown[place].kind, "by": self.posts[place]["author_id"]}
            return self.present(viewer, place, "home", reason, by)

        return self.in_places(shown, present)

    def in_places(
        self, shown: Collection[int], present: Callable[[int, list[int]], Json]
    ) -> list[Json]:
        """Rule 4: newest first, in each window one place, on which all its reposters are named."""
        places = self.places(shown)
        return [present(place, self.reposters(places[place])) for place in sorted(places)[::-1]]

    def places(self, shown: Iterable[int]) -> dict[int, list[int]]:
        """Rule 4: by the earliest reason of each original and window, all of them in order."""
        windows: dict[object, list[int]] = defaultdict(list)
        for post in sorted(shown):
            original = self.original(post) or 0
            window = max(0, ((post >> 22) - (original >> 22)) // DAY_MS)
            key = post if "windows" in self.pending else (original, window)
            windows[key].append(post)
        return {reasons[0]: reasons for reasons in windows.values()}

    def reposters(self, reasons: Iterable[int]) -> list[int]:
        """Each once, the earliest first."""
        posts = [self.posts[each] for each in reasons]
        return list(dict.fromkeys(post["author_id"] for post in posts if post["repost_of"]))

    def in_home(self, viewer: int, post_id: int) -> bool:
        """Whether the post has a place of its own in home."""
        return any(item["post_id"] == post_id for item in self.home(viewer))

    def explain(self, viewer: int, post_id: int) -> tuple[bool, int] | None:
        """Rule 31: shown or not, and by which rule; None is 404."""
        if not self.readable(viewer, post_id):
            return None
        if self.blockers(viewer, post_id) and not self.may_know(viewer, post_id):
            return None
        verdict = self.verdict(viewer, post_id)
        if verdict.kind and not self.in_home(viewer, post_id):
            return False, 4  # folded
        return verdict.kind is not None, verdict.rule

    def may_know(self, viewer: int, post_id: int) -> bool:
        """Rule 31: others' blocks alone, also of what is gone; V knows what he blocked or muted."""
        return viewer in self.blockers(viewer, post_id) or self.muted(viewer, post_id)

    def verdict(self, viewer: int, post_id: int) -> Verdict:
        """Whether V's home has a reason for the post, and which; places are another question."""
        if not self.readable(viewer, post_id):
            return Verdict(None, 5, "audience")
        always, ways = self.against(viewer, post_id), self.ways(viewer, post_id)
        for kind, against in ways.items():
            if not always | against and kind != "nothing":
                if self.has_left(viewer, post_id):
                    return Verdict(None, 25, "thread")
                return Verdict(kind, self.rule_of(kind, post_id))
        first = next(r for r in RULES if r in always.union(*ways.values()))
        return Verdict(None, RULES[first], first)

    def rule_of(self, kind: str, post_id: int) -> int:
        """The rule that brings it."""
        post = self.posts[post_id]
        if post["repost_of"]:
            return 4
        return {"self": 1, "follow": 3 if post["parent_id"] else 2, "tag": 17}[kind]

    def against(self, viewer: int, post_id: int) -> set[str]:
        """What keeps the post out of home, for whatever reason it would be in it."""
        shown = [self.posts[each] for each in self.shows(post_id)]
        author, by = shown[-1]["author_id"], shown[0]["author_id"]
        own_reply = by == viewer and not shown[0]["repost_of"]
        found = {
            "deleted": any(post["deleted"] for post in shown),
            "suspended": any(post["author_id"] in self.gone for post in shown),
            "people": self.blockers(viewer, post_id) or self.muted(viewer, post_id),
            "retention": post_id >> 22 <= self.oldest,
            "gate": not own_reply and self.against_gate(self.shows(post_id)[-1]),
            "exclusive": by != viewer and by in self.apart_in_home(viewer),
            "words": self.word(viewer, post_id, "home", HIDDEN),
            "repost": shown[0]["repost_of"] and author == viewer,
        }
        return {name for name, applies in found.items() if applies}

    def ways(self, viewer: int, post_id: int) -> dict[str, set[str]]:
        """For what reasons the post might be in home, and what is against each of them."""
        post, original = self.posts[post_id], self.posts[self.shows(post_id)[-1]]
        by, edge = post["author_id"], self.edges[viewer].get(post["author_id"])
        found: dict[str, dict[str, object]] = {}
        others = original["author_id"] != viewer
        set_bare = others and self.hides_bare(viewer, original)
        if by == viewer:
            found["self"] = {"words": set_bare}
        elif edge:
            languages, lang = edge["languages"], original["lang"]
            follow = "repost" if post["repost_of"] else "follow"
            found[follow] = {
                "words": (others and self.hides_bare(viewer, original, edge["bare_links"]))
                or (languages and not any(has_language(each, lang) for each in languages)),
                "repost": post["repost_of"] and not edge["reposts"],
                "replies": not post["repost_of"] and not self.passes(viewer, post_id),
            }
        if self.has_followed_tag(viewer, post_id):
            found["tag"] = {"words": set_bare}
        found = found or {"nothing": {"words": set_bare, "no edge": True}}
        return {kind: {r for r, applies in each.items() if applies} for kind, each in found.items()}

    def has_left(self, viewer: int, post_id: int) -> bool:
        """Rule 25: another's reply in a thread that V muted everywhere, or a repost of it."""
        reply = self.shows(post_id)[-1]
        post = self.posts[reply]
        others = post["parent_id"] and post["author_id"] != viewer
        return bool(others) and (viewer, self.root(reply)) in self.left

    def has_followed_tag(self, viewer: int, post_id: int) -> bool:
        """Rule 17: public posts only, and no reposts."""
        tagged = any(post_id in self.tagged[tag] for tag in self.tags[viewer])
        return tagged and self.posts[post_id]["visibility"] == "public"

    def hides_bare(self, viewer: int, post: Json, edge: bool | None = None) -> bool:
        """Rule 7: the edge decides where it says something, else V's settings."""
        setting = self.bare_links.get(viewer, {}).get("bare_links")
        return (setting if edge is None else edge) is False and is_bare(post)

    def passes(self, viewer: int, post_id: int) -> bool:
        """Rule 3: `above` are the authors of the line above, 0 for an unknown one."""
        author, at = self.posts[post_id]["author_id"], self.posts[post_id]["parent_id"]
        above, mine = list[int](), {viewer, *self.edges[viewer]}
        while at and len(above) < LINE:
            above.append(self.posts[at]["author_id"] if at in self.posts else 0)
            at = self.posts[at]["parent_id"] if at in self.posts else None
        alone = all(each == author for each in above)
        return {
            "all": True,
            "followed": not above or above[0] in mine | {author},
            "conversation": alone or any(each in mine - {author} for each in above),
            "self_threads": alone,
            "none": not above,
        }[self.edges[viewer][author]["replies"]]
