"""Where relations lie in Cassandra: the keys of their rows."""

import struct
from typing import Any

from schemas.ids import UserId, slot
from services.relations.mutation import Subject, SubjectKind
from services.relations.store import Pair

OWN, BLOCKED_BY, THREADS = 0, 1, 5
"""Parts of an owner's relations: their own, blocks against them (four parts), threads."""
BLOCKED_BY_BITS = 2
"""Bits of a blocker's slot: four partitions of 125 MB for a user that ten million block."""
ALL_PARTS = THREADS + 1
KEY = ("owner_id", "part", "other_id", "kind", "item")


def row_key(subject: Subject) -> dict[str, Any]:
    """Return the key of a subject's row, on the side that it is kept at."""
    owner, kind, other, item = subject
    part = THREADS if subject.is_thread else OWN
    if kind is SubjectKind.BLOCKED_BY:
        part = BLOCKED_BY + (slot(other) >> 32 - BLOCKED_BY_BITS)
    return dict(zip(KEY, (owner, part, other, int(kind), item), strict=True))


def pair_key(pair: Pair) -> bytes:
    """Return the key of what is between two users: the lower id and the higher one."""
    return struct.pack(">qq", min(pair), max(pair))


def pair_of(subject: Subject) -> Pair:
    """Return the two users that a subject is about."""
    return subject.owner_id, UserId(subject.other_id)
