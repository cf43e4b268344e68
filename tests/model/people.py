"""What people said of each other: rules 2, 6, 7, 10, 16, 17 and 25 before any post is looked at."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from tests.model.said import Json, Viewer, holds, latest, options, plain, stated

FOLLOW = {"replies": "followed", "reposts": True, "bare_links": None, "languages": ()}
MUTE = {"scope": "all", "expires_at": None}
LIST = {"replies": "list", "exclusive": False, "reposts": True}
KEYWORD = {
    "phrase": "",
    "whole_word": True,
    "contexts": (),
    "action": "hide",
    "expires_at": None,
}
OF = {
    "follow": ("follower_id", "followee_id"),
    "block": ("owner_id", "target_id"),
    "mute": ("owner_id", "target_id"),
    "keyword_mute": ("owner_id", "keyword_id"),
    "list": ("list_id", "owner_id"),
    "list_member": ("list_id", "owner_id", "member_id"),
    "tag_follow": ("owner_id", "tag"),
    "thread_mute": ("owner_id", "root_id"),
    "read": ("owner_id", "what"),
    "settings": ("owner_id",),
    "account": ("owner_id",),
}
"""What each kind of fact is about."""


def whose(m: Json) -> set[int]:
    """Rule 10: whose erasure takes what was said with it."""
    both = {"follow": ("follower_id", "followee_id"), "block": ("owner_id", "target_id")}
    return {m[field] for field in both.get(m["type"].split(".")[0], ("owner_id",))}


class People:
    """Who follows, blocks, mutes and lists whom now."""

    def __init__(self, log: Sequence[Json], now_ms: int) -> None:
        self.now_us = now_ms * 1_000
        self._said: dict[str, dict[Any, list[Json]]] = {kind: defaultdict(list) for kind in OF}
        self.erased = {m["owner_id"] for m in log if m["type"] == "account.erased"}
        self._claims = [m for m in log if m["type"] == "list.created"]
        for m in log:
            kind = m["type"].split(".")[0]
            if kind in OF and self.erased.isdisjoint(whose(m)):
                about = (plain(m[f]) if f == "tag" else m[f] for f in OF[kind])
                self._said[kind][tuple(about)].append(m)
        self._tell_blocks()
        self._tell_edges()
        self._tell_mutes()
        self._tell_lists()
        self.tags: dict[Viewer, set[str]] = defaultdict(set)
        for owner, tag in self._standing("tag_follow"):
            self.tags[owner].add(tag)
        self.silent = set(self._standing("thread_mute"))
        said = self._said["thread_mute"]
        self.left = {
            (owner, root)
            for owner, root in self.silent
            if options(said[owner, root], {"everywhere": False})["everywhere"]
        }
        """Rule 25: whose replies leave home as well."""
        self.read = {about: int(latest("up_to", m)) for about, m in self._said["read"].items()}
        settings = self._said["settings"].items()
        self.bare_links = {who[0]: options(m, {"bare_links": None}) for who, m in settings}
        self.gone = {
            who[0] for who, said in self._said["account"].items() if not holds(said)
        } | self.erased
        """Rule 10: suspended accounts, and those erased for good."""

    def _standing(self, kind: str) -> Iterator[Any]:
        """The things of this kind that are there now."""
        return (about for about, said in self._said[kind].items() if holds(said))

    def _lasts(self, about: Json) -> bool:
        return about["expires_at"] is None or self.now_us < about["expires_at"]

    def _tell_blocks(self) -> None:
        """Rule 6: `last_block` is kept for ever. Nobody blocks himself."""
        self.blocks = {(owner, target) for owner, target in self._standing("block")}
        self.blocks -= {(owner, target) for owner, target in self.blocks if owner == target}
        self.last_block: dict[frozenset[int], int] = {}
        for pair, said in self._said["block"].items():
            versions = [m["version"] for m in stated(said)]
            last = self.last_block.get(frozenset(pair), -1)
            self.last_block[frozenset(pair)] = max([last, *versions])

    def _tell_edges(self) -> None:
        """Rules 2 and 6: an edge lives only above the last block of the two."""
        self.edges: dict[Viewer, dict[int, Json]] = defaultdict(dict)
        for follower, followee in self._standing("follow"):
            said = self._said["follow"][follower, followee]
            version = max(m["version"] for m in said)
            pair = frozenset((follower, followee))
            if len(pair) == 1 or version > self.last_block.get(pair, -1):
                self.edges[follower][followee] = options(said, FOLLOW)

    def _tell_mutes(self) -> None:
        """Rules 6 and 7: of people by scope, of words in the order of their ids."""
        self.mutes: dict[Viewer, dict[int, str]] = defaultdict(dict)
        for owner, target in self._standing("mute"):
            mute = options(self._said["mute"][owner, target], MUTE)
            if owner != target and self._lasts(mute):
                self.mutes[owner][target] = mute["scope"]
        self.keywords: dict[Viewer, list[Json]] = defaultdict(list)
        for owner, keyword in sorted(self._standing("keyword_mute")):
            mute = options(self._said["keyword_mute"][owner, keyword], KEYWORD)
            if self._lasts(mute):
                self.keywords[owner].append(mute)

    def _tell_lists(self) -> None:
        """Rule 16: a list is its first owner's, by version, then by id; only his words count."""
        births: dict[Any, list[Any]] = defaultdict(list)
        for m in self._claims:  # also of the erased: nobody else gets their lists
            births[m["list_id"]].append((m["version"], m["owner_id"]))
        self.lists: dict[int, Json] = {}
        for list_id, born in births.items():
            owner = min(born, default=(0, 0))[1]
            said = self._said["list"].get((list_id, owner), ())
            if said and holds(said):
                members = {
                    m for of, by, m in self._standing("list_member") if (of, by) == (list_id, owner)
                }
                self.lists[list_id] = options(said, LIST) | {"owner": owner, "members": members}

    def blocked(self, one: int, other: Viewer) -> bool:
        """Whether there is a block between the two, in either direction."""
        return (one, other) in self.blocks or (other, one) in self.blocks

    def apart_in_home(self, viewer: int) -> set[int]:
        """Rule 16: whom the viewer's exclusive lists take out of his home."""
        mine = (each for each in self.lists.values() if each["owner"] == viewer)
        return {member for each in mine if each["exclusive"] for member in each["members"]}
