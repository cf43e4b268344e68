"""F(log): every home and every thread, and how we read what the rules leave open.

* A post without a parent is its own root. While the parent is unknown, a claim is the root even if
  nothing is known of what it names; above the parent stands that root, if it is known.
* What names an original is a repost, also when it names a parent: in no thread but above replies
  to it. What became of reposts between it and its original does not matter.
* Upwards, every post keeps its place. Downwards, what V may not see stands as `missing` (of nobody)
  where a deleted one would stand as `deleted`. What stands above is not below as well: no cycles.
"""

import json
from collections import defaultdict
from typing import Any

Json = dict[str, Any]
Viewer = int | None

EDITABLE = ("text", "lang", "visibility", "mentions", "tags", "links", "reply_gate")
FIXED = ("parent_id", "root_id", "repost_of")
OPTIONS = {"replies": "followed", "reposts": True}
DEFAULTS = OPTIONS | {"text": "", "visibility": "public", "mentions": (), "tags": (), "links": ()}
SHOWN = ("author_id", "text", "lang", "visibility", "parent_id", "edited")
LINE, ANCESTORS, LEVELS, BRANCHES, BELOW_EACH_REPLY = 64, 80, 20, 10, 400


def latest(field: str, said: list[Json]) -> str:
    """The canonical JSON of the highest version, of equal ones the larger (as UTF-8 and as str)."""
    values = []
    for message in said:
        value = DEFAULTS.get(field) if message.get(field) is None else message[field]
        if isinstance(value, list | tuple):
            value = sorted({str(each) for each in value})
        values.append((message["version"], json.dumps(value, ensure_ascii=False)))
    return max(values)[1]


def post_of(said: list[Json]) -> Json | None:
    """Rule 8: what all that was said of one id adds up to; None while it was never created."""
    births = [(m["version"], m["author_id"]) for m in said if m["type"].endswith(".created")]
    if not births:
        return None
    born, owner = min(births)
    mine = [m for m in said if m["author_id"] == owner]
    made = [m for m in mine if m["type"].endswith(".created")]
    now = {f: latest(f, made + [m for m in mine if f in m]) for f in EDITABLE}
    created = {f: latest(f, [m for m in made if m["version"] == born]) for f in EDITABLE + FIXED}
    post = {field: json.loads(value) for field, value in (created | now).items()}
    return post | {
        "author_id": owner,
        "mentions": {int(each) for each in post["mentions"]},
        "edited": any(created[field] != now[field] for field in EDITABLE),
        "deleted": any(m["type"].endswith(".deleted") for m in mine),
    }


class Model:
    """F(log, now): `now_ms` serves retention only; a retention of 0 is for ever."""

    def __init__(self, log: list[Json], now_ms: int = 0, retention_ms: int = 0) -> None:
        self.oldest = now_ms - retention_ms - 946_684_800_000 if retention_ms else -1  # since 2000
        said: dict[Any, list[Json]] = defaultdict(list)
        for m in log:
            said[m.get("post_id") or (m["follower_id"], m["followee_id"])].append(m)
        posts = {what: post_of(about) for what, about in said.items() if isinstance(what, int)}
        self.posts = {post_id: post for post_id, post in posts.items() if post}
        self.edges: dict[Viewer, dict[int, Json]] = defaultdict(dict)
        for what, about in said.items():
            if (
                max((m["version"], m["type"]) for m in about)[1] == "follow.created"
            ):  # 2, a tie ends
                self.edges[what[0]][what[1]] = {o: json.loads(latest(o, about)) for o in OPTIONS}
        self.written: dict[int, list[int]] = defaultdict(list)
        self.children: dict[int | None, set[int]] = defaultdict(set)
        for post_id, post in self.posts.items():
            self.written[post["author_id"]].append(post_id)
            if (parent := post["parent_id"]) and not post["repost_of"]:
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

    def placeholder(self, viewer: Viewer, post_id: int) -> str | None:
        """Rules 4, 5 and 8: what stands for a post that V is not shown; None for one he is."""
        if not (post := self.posts.get(post_id)):
            return "missing"
        named = viewer == post["author_id"] or viewer in post["mentions"]
        follows = post["author_id"] in self.edges[viewer]
        audience = {"public": True, "unlisted": viewer, "followers": named or follows}
        if not audience.get(post["visibility"], named):
            return "missing"
        if post["deleted"]:
            return "deleted"
        original = self.original(post_id)
        seen = original == post_id or (original and not self.placeholder(viewer, original))
        return None if seen else "missing"

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

    def in_home(self, viewer: int, post_id: int) -> bool:
        """Rules 1 to 4."""
        author, original = self.posts[post_id]["author_id"], self.original(post_id)
        if post_id >> 22 <= self.oldest or self.placeholder(viewer, post_id):
            return False
        if original == post_id:
            return author == viewer or self.passes(viewer, post_id)
        own = self.posts[original or 0]["author_id"] == viewer
        return not own and (author == viewer or self.edges[viewer][author]["reposts"])

    def home(self, viewer: int) -> list[Json]:
        """Rules 1 and 2: what V and V's followees wrote, newest first."""
        owed = [post for by in {viewer, *self.edges[viewer]} for post in self.written[by]]
        shown = sorted((post for post in owed if self.in_home(viewer, post)), reverse=True)
        return [self.item(post, viewer) for post in shown]

    def item(self, post_id: int, viewer: Viewer = None) -> Json:
        original, by = self.original(post_id) or 0, self.posts[post_id]["author_id"]
        kind = "self" if by == viewer else "follow" if original == post_id else "repost"
        return {field: self.posts[original][field] for field in SHOWN} | {
            "post_id": post_id,
            "root_id": self.root(original),
            "repost": None if original == post_id else {"by": [by], "original": original},
            "reason": viewer and {"kind": kind, "by": by},
        }

    def below(self, line: list[int], post_id: int) -> set[int]:
        """Replies; of an unknown parent only those that the conversation of `line` claims."""
        replies, root = self.children[post_id].difference(line), self.root(line[0])
        return {each for each in replies if post_id in self.posts or self.root(each) == root}

    def lives(self, viewer: Viewer, line: list[int], post_id: int, levels: int = LINE) -> bool:
        """Rule 22: shown, or over a post that is."""
        shown = not self.placeholder(viewer, post_id)
        below = set() if shown or not levels else self.below(line, post_id)
        return shown or any(self.lives(viewer, line, each, levels - 1) for each in below)

    def thread(self, viewer: Viewer, asked: int, sort: str = "conversation") -> list[Json] | None:
        """Rules 20 to 22; None where there is nothing to be seen."""
        root, line = self.root(asked), [asked]
        started = self.posts[root]["author_id"] if root in self.posts else None
        unknown = {"parent_id": started and root}
        while (at := self.posts.get(line[-1], unknown)["parent_id"]) and at not in line:
            line.append(at)
        gone = self.placeholder(viewer, asked) == "missing" or not self.lives(viewer, line, asked)
        if gone or self.posts[asked]["repost_of"]:
            return None

        def place(reply: int) -> tuple[int, int]:
            if sort != "conversation":
                return 0, -reply if sort == "newest" else reply
            missing = self.placeholder(viewer, reply) == "missing"
            by = 0 if missing else self.posts[reply]["author_id"]
            return [by == started, by == viewer, by in self.edges[viewer], True].index(True), reply

        def replies(post_id: int) -> list[int]:
            below = self.below(line, post_id)
            return sorted((p for p in below if self.lives(viewer, line, p)), key=place)

        def preorder(post_id: int, depth: int) -> list[tuple[int, int]]:
            below = replies(post_id)[:BRANCHES] if depth < LEVELS else []
            return [(post_id, depth), *(row for each in below for row in preorder(each, depth + 1))]

        rows = [(each, -depth) for depth, each in enumerate(line)][ANCESTORS::-1]
        rows += [p for each in replies(asked) for p in preorder(each, 1)[: 1 + BELOW_EACH_REPLY]]
        given, shown = {each for each, _ in rows}, list[Json]()
        for post_id, depth in rows:
            cut = len(set(replies(post_id)) - given) if depth >= 0 else 0
            row: Json = {"post_id": post_id, "depth": depth, "truncated": cut, "hidden": 0}
            row["placeholder"] = self.placeholder(viewer, post_id)
            shown.append(row if row["placeholder"] else row | self.item(post_id))
        return shown
