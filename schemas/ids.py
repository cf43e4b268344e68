"""Identifiers, and the values computed from them: a post's time, a user's slot."""

from typing import Any, NewType, TypeAlias

import numpy as np
import numpy.typing as npt

UserId = NewType("UserId", int)
PostId = NewType("PostId", int)
ListId = NewType("ListId", int)
KeywordId = NewType("KeywordId", int)
Version = NewType("Version", int)
"""When a fact happened, in microseconds since the Unix epoch. It orders the facts of one
subject."""
Slot = NewType("Slot", int)
"""A user's place in the hashed order of users, 0 to SLOTS - 1."""

IdArray: TypeAlias = npt.NDArray[np.int64]

MAX_ID = 2**63 - 1
SLOTS = 2**32
SEQUENCE_BITS = 22
DEFAULT_EPOCH = 946_684_800_000
"""2000-01-01T00:00:00Z in milliseconds since the Unix epoch. 41 bits last until 2069."""
DAY_MS = 86_400_000


def post_id(time_ms: int, sequence: int, epoch: int = DEFAULT_EPOCH) -> PostId:
    """Return the id of a post written at `time_ms`, milliseconds since the Unix epoch.

    Raises ValueError if the time is before `epoch` or after the last id, or if the sequence does
    not fit its 22 bits.
    """
    if not 0 <= sequence < 1 << SEQUENCE_BITS:
        raise ValueError(f"sequence: {sequence} does not fit {SEQUENCE_BITS} bits")
    minted = (time_ms - epoch << SEQUENCE_BITS) | sequence
    if not 0 < minted <= MAX_ID:
        raise ValueError(f"time_ms: {time_ms} has no post id with the epoch {epoch}")
    return PostId(minted)


def post_time(post: int, epoch: int = DEFAULT_EPOCH) -> int:
    """Return when a post was written, in milliseconds since the Unix epoch."""
    return (post >> SEQUENCE_BITS) + epoch


def first_post_id(time_ms: int, epoch: int = DEFAULT_EPOCH) -> int:
    """Return the smallest id of posts at `time_ms` or later; 0 for times up to the epoch."""
    return max(0, time_ms - epoch) << SEQUENCE_BITS


def slots(users: npt.NDArray[Any]) -> IdArray:
    """Return the slots of many users: the top 32 bits of SplitMix64's mix of each id.

    The constants are those of Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
    Generators" (2014), with Stafford's variant 13; `vectors/slot.json` fixes the results.
    """
    with np.errstate(over="ignore"):
        mixed = users.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
    return (mixed >> np.uint64(32)).astype(np.int64)


def slot(user: int) -> Slot:
    """Return the slot of one user."""
    mask = 2**64 - 1
    mixed = (user + 0x9E3779B97F4A7C15) & mask
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & mask
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & mask
    return Slot((mixed ^ (mixed >> 31)) >> 32)
