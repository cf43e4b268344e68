"""Turns a stored edge back into the one fact that leads to it."""

from collections.abc import Sequence

from schemas.canonical import Canonical, value_of
from schemas.events import FollowCreated, FollowDeleted, FollowFact
from schemas.ids import UserId, Version
from services.relations.mutation import FOLLOW_CELLS


def edge_fact(
    pair: tuple[UserId, UserId],
    version: Version,
    cells: Sequence[Canonical | None],
    *,
    removed: bool,
    ended: Version,
) -> FollowFact:
    """Return the newest fact of a pair; `ended` is up to where a block ended it, else -1.

    An end needs no options: any newer follow brings its own.
    """
    follower, followee = pair
    if removed or version <= ended:
        latest = max(version, ended)
        return FollowDeleted(version=latest, follower_id=follower, followee_id=followee)
    values = (None if cell is None else value_of(cell) for cell in cells)
    options = dict(zip(FOLLOW_CELLS, values, strict=False))
    options["languages"] = tuple(options["languages"] or ())
    return FollowCreated(version=version, follower_id=follower, followee_id=followee, **options)
