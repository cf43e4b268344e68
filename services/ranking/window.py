"""What an order looks at: the newest posts of a home, and the viewer's own latest ones."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.ids import IdArray

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Times = npt.NDArray[np.int64]
"""Milliseconds since the Unix epoch."""

NOBODY = -1
"""An author who is unknown, or who is that of no post."""
LINE = 3
"""How many authors above the parent count: rule 25 looks four posts up."""
MAX_OWN_POSTS = 200
"""How many of the viewer's latest posts say how they converse."""


class PostWindow(NamedTuple):
    """The newest posts of a home, oldest first, a row each; the viewer's own are among them.

    `parent_author` is `NOBODY` where a post begins a conversation or its parent is unknown.
    `line` has the authors of the `LINE` posts above the parent.
    `answered` says that somebody but its author has answered the post.
    """

    at: Times
    author: IdArray
    begins: Flags
    parent_author: IdArray
    line: IdArray
    root: IdArray
    answered: Flags


class OwnPosts(NamedTuple):
    """The viewer's latest `MAX_OWN_POSTS` posts, oldest first, and the post that each answers.

    `whom` is the author of the answered post, `NOBODY` where there is none.
    """

    at: Times
    root: IdArray
    whom: IdArray
    answered_at: Times
    answered_begins: Flags
