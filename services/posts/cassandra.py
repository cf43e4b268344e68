"""Posts in Cassandra, which merges cells as `services.posts.post` does.

Of two values of a cell, Cassandra keeps the one with the higher write timestamp, at equal ones the
larger bytes. So a stated field is written at its version; a creation's at `INVERTED - version`, so
that the lowest version wins; the cells of a deletion or erasure at the highest timestamp there is.
"""

import asyncio
import struct
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from schemas.canonical import NULL
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
from services.scan import ScanPage
from services.storage import statements
from services.storage.session import Store
from services.storage.statements import INVERTED, UNSET, insert, key_chunks, select

FINAL = 2**63 - 1
"""The write timestamp of cells of a deletion or erasure."""

_ID = ("post_id", "author_id")
_CREATED = {field: field for field in IMMUTABLE} | {field: f"created_{field}" for field in EDITABLE}
_QUOTE = IMMUTABLE.index("quote_of")
_BLANKED = {column: value for f, value in BLANKED.items() for column in (f, _CREATED[f])}
_CREATE = insert("posts", *_ID, *_CREATED.values(), operation="create")
_STATE = insert("posts", *_ID, *EDITABLE, operation="state")
_DELETE = insert("posts", *_ID, "deleted", *_BLANKED, operation="delete")
_DETACH = insert("posts", *_ID, "detached", operation="detach")
_BLANK = insert("posts", *_ID, *_BLANKED, operation="blank")
_HINT = insert("posts", *_ID, "line", operation="hint")
_CLAIM = (
    "author_id, deleted, detached, line, writetime(parent_id), writetime(quote_of), "
    f"{', '.join((*_CREATED.values(), *EDITABLE))}"
)
_LOAD = select("posts", "load", f"post_id, {_CLAIM}", "WHERE post_id IN ?")
_LOAD_CLAIMS = select(
    "posts",
    "claims",
    f"post_id, writetime(visibility), writetime(mentions), {_CLAIM}",
    "WHERE post_id IN ?",
)
_SCAN = select(
    "posts", "scan", "DISTINCT post_id, token(post_id)", "WHERE token(post_id) > ? LIMIT ?"
)


class CassandraPosts:
    """A PostStore in Cassandra."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def record(self, mutations: Sequence[PostMutation]) -> None:
        await self._store.write(row for mutation in mutations for row in _rows(mutation))

    async def blank(self, claims: Collection[tuple[PostId, UserId]]) -> None:
        await self._store.write(
            _BLANK.row(post_id=post, author_id=author, **_BLANKED, version=FINAL)
            for post, author in claims
        )

    async def hint_ancestors(self, hints: Mapping[tuple[PostId, UserId], Sequence[PostId]]) -> None:
        await self._store.write(
            _HINT.row(post_id=post, author_id=author, line=_packed(hint), version=len(hint))
            for (post, author), hint in hints.items()
        )

    async def load(self, posts: Collection[PostId]) -> dict[PostId, Post]:
        claims: dict[PostId, list[PostRow]] = {}
        requests = (self._store.read(_LOAD, part) for part in key_chunks(posts))
        for rows in await asyncio.gather(*requests):
            for post, *cells in rows:
                claims.setdefault(PostId(post), []).append(_claim(*cells))
        resolved = {post: resolve_post(post, rows) for post, rows in claims.items()}
        return {post: known for post, known in resolved.items() if known is not None}

    async def load_claims(self, posts: Collection[PostId]) -> list[ClaimedPost]:
        requests = (self._store.read(_LOAD_CLAIMS, part) for part in key_chunks(posts))
        return [
            ClaimedPost(claim, Version(visible), Version(named))
            for rows in await asyncio.gather(*requests)
            for post, visible, named, *cells in rows
            if (claim := resolve_post(PostId(post), [_claim(*cells)])) is not None
        ]

    async def scan(self, token: int, limit: int) -> ScanPage[PostId]:
        rows = await self._store.read(_SCAN, token, limit)
        posts = [PostId(post) for post, _ in rows]
        return ScanPage(posts, rows[-1][1] if len(rows) == limit else None)


def _rows(mutation: PostMutation) -> Iterator[statements.Row]:
    key = {"post_id": mutation.post_id, "author_id": mutation.author_id}
    if mutation.created:
        created = {column: mutation.created[field] for field, column in _CREATED.items()}
        yield _CREATE.row(**key, **created, version=INVERTED - mutation.version)
    if mutation.stated:
        stated = {field: mutation.stated.get(field, UNSET) for field in EDITABLE}
        yield _STATE.row(**key, **stated, version=mutation.version)
    if mutation.deleted:
        yield _DELETE.row(**key, **_BLANKED, deleted=True, version=FINAL)
    if mutation.detached:
        yield _DETACH.row(**key, detached=True, version=FINAL)


def _claim(  # noqa: PLR0913, PLR0917 - a row's columns
    author: int,
    deleted: bool | None,
    detached: bool | None,
    line: bytes | None,
    written: int | None,
    quoted: int | None,
    *cells: Any,
) -> PostRow:
    """Return a row as it was read. A creation with missing cells does not count as known yet."""
    count = len(_CREATED)
    created, stated = list(cells[:count]), cells[count:]
    if quoted != written:  # the creation was written before there was a column for quotes
        created[_QUOTE] = NULL
    whole = written is not None and None not in created and None not in stated
    return PostRow(
        UserId(author),
        Version(INVERTED - written) if whole and written is not None else None,
        created,
        stated,
        bool(deleted),
        _unpacked(line),
        bool(detached),
    )


def _packed(hint: Sequence[PostId]) -> bytes:
    return struct.pack(f">{len(hint)}q", *hint)


def _unpacked(line: bytes | None) -> tuple[PostId, ...]:
    return () if line is None else struct.unpack(f">{len(line) // 8}q", line)
