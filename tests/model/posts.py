"""What people wrote: rules 8 and 19, before anybody looks at it."""

import json
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Any

from tests.model.people import People
from tests.model.said import EPOCH_MS, Json, latest, plain

EDITABLE = ("text", "lang", "visibility", "mentions", "tags", "links", "reply_gate")
FIXED = ("parent_id", "root_id", "repost_of", "quote_of")
DEFAULTS = {"text": "", "visibility": "public", "mentions": (), "tags": (), "links": ()}
SHOWN = ("author_id", "text", "lang", "visibility", "parent_id", "edited")


def post_of(said: Sequence[Json]) -> Json | None:
    """Rule 8: what all that was said of one id adds up to; None while it was never created."""
    births = [(m["version"], m["author_id"]) for m in said if m["type"].endswith(".created")]
    if not births:
        return None
    born, owner = min(births)
    mine = [m for m in said if m["author_id"] == owner]
    made = [m for m in mine if m["type"].endswith(".created")]
    first = [m for m in made if m["version"] == born]
    now = {f: latest(f, made + [m for m in mine if f in m], DEFAULTS.get(f)) for f in EDITABLE}
    created = {f: latest(f, first, DEFAULTS.get(f)) for f in EDITABLE + FIXED}
    post = {field: json.loads(value) for field, value in (created | now).items()}
    return post | {
        "author_id": owner,
        "mentions": {int(each) for each in post["mentions"]},
        "edited": any(created[field] != now[field] for field in EDITABLE),
        "deleted": any(m["type"].endswith(".deleted") for m in mine),
        "detached_by": {m["author_id"] for m in said if m["type"] == "quote.detached"},
    }


class Posts(People):
    """Every post as it is now, and what hangs together with what."""

    def __init__(self, log: Sequence[Json], now_ms: int, retention_ms: int) -> None:
        super().__init__(log, now_ms)
        self.oldest = now_ms - retention_ms - EPOCH_MS if retention_ms else -1
        said: dict[int, list[Json]] = defaultdict(list)
        for m in log:
            if m["type"].split(".")[0] in ("post", "reply", "quote"):
                said[m["post_id"]].append(m)
        known = {post_id: post_of(about) for post_id, about in said.items()}
        self.posts = {post_id: post for post_id, post in known.items() if post}
        self.written: dict[int, list[int]] = defaultdict(list)
        self.tagged: dict[str, set[int]] = defaultdict(set)
        self.children: dict[int | None, set[int]] = defaultdict(set)
        self.announced: dict[int, dict[int, set[int]]] = defaultdict(partial(defaultdict, set))
        for m in log:
            if m["type"] == "reply.created":  # by whom, whoever owns the id
                self.announced[m["parent_id"]][m["post_id"]].add(m["author_id"])
        for post_id, post in self.posts.items():
            self.written[post["author_id"]].append(post_id)
            if post["repost_of"]:
                continue
            for tag in post["tags"]:
                self.tagged[plain(tag)].add(post_id)
            if parent := post["parent_id"]:
                self.children[parent].add(post_id)
                if parent not in self.posts:
                    self.children[self.root(post_id)].add(parent)

    def original(self, post_id: int) -> int | None:
        """Rule 4: where a line of reposts ends; a post that is no repost is its own original."""
        line = [post_id]
        while (post := self.posts.get(line[-1])) and post["repost_of"] not in (None, *line):
            line.append(post["repost_of"])
        return line[-1] if post and not post["repost_of"] else None

    def root(self, post_id: int) -> int | None:
        """Rule 19: up the known parents, over a claim where one is unknown; a cycle has none."""
        line = [post_id]
        while (post := self.posts.get(line[-1])) and post["parent_id"]:
            line.append(post["parent_id" if post["parent_id"] in self.posts else "root_id"])
            if line[-1] in line[:-1]:
                return None
        return line[-1]

    def line(self, post_id: int) -> list[int]:
        """The post and all above it; above an unknown parent stands the claimed root, if known."""
        root, line = self.root(post_id), [post_id]
        unknown = {"parent_id": root if root in self.posts else None}
        while (at := self.posts.get(line[-1], unknown)["parent_id"]) and at not in line:
            line.append(at)
        return line

    def item(
        self, post_id: int, reason: Json | None = None, by: Sequence[int] = (), warn: Any = None
    ) -> Json:
        """A post as it is shown, with who reposted it (of a repost at least its author).

        What it quotes is a link.
        """
        original = self.original(post_id) or 0
        quoted = self.posts[original]["quote_of"]
        by = by or ([] if original == post_id else [self.posts[post_id]["author_id"]])
        return {field: self.posts[original][field] for field in SHOWN} | {
            "post_id": post_id,
            "root_id": self.root(original),
            "repost": {"by": list(by), "original": original} if by else None,
            "quote": quoted and {"post_id": quoted, "item": None, "placeholder": None},
            "reason": reason,
            "warn": warn,
        }

    def is_reply(self, post_id: int) -> bool:
        post = self.posts[post_id]
        return bool(post["parent_id"]) and not post["repost_of"]
