"""How work that takes long reports its progress."""

from collections.abc import Callable
from typing import TypeAlias, TypeVar

T = TypeVar("T")

ProgressCallback: TypeAlias = Callable[[T], None]
"""Called with what was done since the last call, or with how things stand."""
