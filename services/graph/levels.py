"""How an author's list is stored: up to which level its edges go, and its pack."""

import asyncio
from collections.abc import Collection
from typing import NamedTuple

from schemas.ids import SLOTS, UserId
from services.storage.session import Store
from services.storage.statements import key_chunks, select

LEVEL_BITS = 4
"""Each level has 16 times as many parts as the one before."""
MAX_LEVEL = 3
"""4,096 parts: a billion followers."""

_HEADS = select("follower_levels", "read", "followee_id, level, pack", "WHERE followee_id IN ?")


class ListHead(NamedTuple):
    """How an author's list is stored: its deepest level, and the number of its pack, 0 for none."""

    level: int = 0
    pack: int = 0


SMALL = ListHead()


async def read_heads(store: Store, authors: Collection[int]) -> dict[UserId, ListHead]:
    """Return the heads of these authors' lists; those of small lists are left out."""
    requests = (store.read(_HEADS, part) for part in key_chunks(authors))
    return {
        UserId(author): ListHead(level or 0, pack or 0)
        for rows in await asyncio.gather(*requests)
        for author, level, pack in rows
    }


def width_of(level: int) -> int:
    """Return how many slots a part of a level has."""
    return SLOTS >> level * LEVEL_BITS


def parts_of(level: int) -> int:
    """Return how many parts a level has."""
    return 1 << level * LEVEL_BITS
