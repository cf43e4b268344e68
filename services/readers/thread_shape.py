"""How a thread is asked for, and its bounds (rules 20 to 24)."""

from typing import Literal, NamedTuple, TypeAlias

from schemas.ids import PostId

MAX_DEPTH = 20
MAX_BRANCHES = 10
DEFAULT_DIRECT_REPLIES = 100
MAX_DIRECT_REPLIES = 400

ThreadSort: TypeAlias = Literal["conversation", "oldest", "newest"]


class ThreadShape(NamedTuple):
    """How a thread is asked for.

    A page has up to `limit` direct replies of the post asked for; `branches` bounds the replies to
    each post below.
    """

    sort: ThreadSort = "conversation"
    depth: int = MAX_DEPTH
    branches: int = MAX_BRANCHES
    limit: int = DEFAULT_DIRECT_REPLIES


class ThreadPlace(NamedTuple):
    """A place among direct replies, exclusive: a `section` of their order, and a post in it.

    Up to the post `early` are the oldest replies, among which the followed come first.
    """

    section: int
    post_id: PostId
    early: PostId


class ThreadBounds(NamedTuple):
    """The most that one reading looks at."""

    ancestors: int = 80
    below: int = 400
    """Posts given below each direct reply, in preorder."""
    living: int = 64
    """Levels in which a living reply keeps a placeholder in its place (rule 22)."""
    siblings: int = 1_000
    """Replies to a post among which the followed come first (rule 20); those to any other post than
    the one asked for that are looked at at all, besides those of the root's author and the
    viewer's."""
    counted: int = 100
    """Replies to a post that are counted behind the last one given."""
    posts: int = 20_000
    """Posts that are loaded: a page with larger branches ends early (rule 24)."""
    refills: int = 6
    """Rounds in which direct replies are looked for; they double, as those of other pages do."""
