"""Posts in memory: the embedded pipeline's store, and the reference for Cassandra's."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from schemas.canonical import Canonical
from schemas.events import EDITABLE
from schemas.ids import PostId, UserId, Version
from services.posts.post import (
    BLANKED,
    IMMUTABLE,
    ClaimedPost,
    Post,
    PostMutation,
    PostRow,
    resolve_post,
)
from services.scan import ScanPage, scan_ids

_Cell = tuple[Version, Canonical]


class _Cells:
    """One author's claim of a post id."""

    def __init__(self) -> None:
        self.created: dict[str, _Cell] = {}
        self.stated: dict[str, _Cell] = {}
        self.deleted = False
        self.detached = False
        self.blanked = False
        self.ancestor_hint: tuple[PostId, ...] = ()

    def merge(self, mutation: PostMutation) -> None:
        version = mutation.version
        for field, value in mutation.created.items():
            held = self.created.get(field)
            if held is None or (-version, value) > (-held[0], held[1]):
                self.created[field] = (version, value)
        for field, value in mutation.stated.items():
            self.stated[field] = max(self.stated.get(field, (version, value)), (version, value))
        self.deleted |= mutation.deleted
        self.detached |= mutation.detached

    def row(self, author: UserId) -> PostRow:
        if not self.created:
            return PostRow(author, None, (), (), self.deleted, self.ancestor_hint, self.detached)
        return PostRow(
            author_id=author,
            claimed_at=self.created["parent_id"][0],
            created=self._values(self.created, (*IMMUTABLE, *EDITABLE)),
            stated=self._values(self.stated, EDITABLE),
            deleted=self.deleted,
            ancestor_hint=self.ancestor_hint,
            detached=self.detached,
        )

    def _values(self, cells: Mapping[str, _Cell], fields: Iterable[str]) -> list[Canonical]:
        blanked = BLANKED if self.deleted or self.blanked else {}
        return [blanked.get(field) or cells[field][1] for field in fields]


class MemoryPosts:
    """A PostStore in this process."""

    def __init__(self) -> None:
        self._rows: dict[PostId, dict[UserId, _Cells]] = {}

    async def record(self, mutations: Sequence[PostMutation]) -> None:
        for mutation in mutations:
            self._cells(mutation.post_id, mutation.author_id).merge(mutation)

    async def blank(self, claims: Collection[tuple[PostId, UserId]]) -> None:
        for post, author in claims:
            self._cells(post, author).blanked = True

    async def hint_ancestors(self, hints: Mapping[tuple[PostId, UserId], Sequence[PostId]]) -> None:
        for (post, author), hint in hints.items():
            cells = self._cells(post, author)
            cells.ancestor_hint = max(
                cells.ancestor_hint, tuple(hint), key=lambda each: (len(each), each)
            )

    async def load(self, posts: Collection[PostId]) -> dict[PostId, Post]:
        found = {}
        for post in posts:
            rows = self._rows.get(post, {})
            known = resolve_post(post, [cells.row(author) for author, cells in rows.items()])
            if known is not None:
                found[post] = known
        return found

    async def load_claims(self, posts: Collection[PostId]) -> list[ClaimedPost]:
        return [
            ClaimedPost(claim, cells.stated["visibility"][0], cells.stated["mentions"][0])
            for post in posts
            for author, cells in self._rows.get(post, {}).items()
            if (claim := resolve_post(post, [cells.row(author)])) is not None
        ]

    async def scan(self, token: int, limit: int) -> ScanPage[PostId]:
        return scan_ids(self._rows, token, limit)

    def _cells(self, post: PostId, author: UserId) -> _Cells:
        return self._rows.setdefault(post, {}).setdefault(author, _Cells())
