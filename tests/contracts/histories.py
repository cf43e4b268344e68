"""Who is in the short histories that contracts are told as."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from schemas.ids import PostId, UserId

NOW = 1_760_000_000_000
"""The present of every history, in milliseconds since the Unix epoch."""

NewPost: TypeAlias = Callable[..., PostId]
"""Ids that no other test has, each higher than those before; `days_old` is 1 unless given."""


NewPeople: TypeAlias = Callable[[], "People"]
"""Three whom no other test knows."""


class People(NamedTuple):
    alice: UserId
    bob: UserId
    carol: UserId
