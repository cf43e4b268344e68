"""Port: how users stand to each other, and what each set for themselves."""

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol, TypeAlias

from schemas.events import FollowFact
from schemas.ids import ListId, PostId, UserId
from services.relations.lists import OwnedList
from services.relations.mutation import RelationMutation, Subject, SubjectKind
from services.relations.relations import Edge, ReadMark, ReadMarks, Relations, Relationship
from services.scan import ScanPage

Pair = tuple[UserId, UserId]
SubjectPlace: TypeAlias = Sequence[int | str]
"""Where a listing of subjects goes on: an adapter's own."""


class SubjectPage(NamedTuple):
    """Some subjects, and where to go on; None at the end."""

    subjects: list[Subject]
    next: SubjectPlace | None


MAX_ROWS = 10_000
"""Statements of a user about nobody in particular that are read, ended ones included, by kind and
name: 1 MB. As many are read about 1,000 others, of whom each has a handful."""


class RelationStore(Protocol):
    """Relations between users, as they state them. Recording is idempotent and commutative.

    `services.relations.mutation` is its law. Every method raises StoreUnavailable. What a call to
    `record` wrote is seen by every call that begins after it returned.
    """

    async def record(self, mutations: Sequence[RelationMutation]) -> None:
        """Merge the mutations; all of them are durable on return.

        A block is found from both of its sides, a list also by its id.
        """

    async def about(self, owner: UserId, others: Collection[UserId]) -> Relations:
        """Return the owner's settings, and how they stand to each of the others.

        One store request for up to 1,000 others. Expired mutes are included: the reader decides.
        """

    async def marks(self, owner: UserId, posts: Collection[PostId]) -> ReadMarks:
        """Return what the owner marked of these roots and posts; `about` has the mark on home.

        One store request for up to 1,000 posts.
        """

    async def thread_marks(
        self, owner: UserId, *, after: tuple[PostId, int], limit: int
    ) -> list[ReadMark]:
        """Return up to `limit` marks on conversations and unanswered posts.

        In the order of posts and kinds, those after a (post, kind); (0, 0) is the beginning.
        """

    async def suspended(self, users: Collection[UserId]) -> set[UserId]:
        """Return which users are suspended or erased. One request for up to 1,000 users."""

    async def erased(self, users: Collection[UserId]) -> set[UserId]:
        """Return which users are erased. One request for up to 1,000 users.

        It sees every erasure whose `record` returned before this call began.
        """

    async def subjects(self, owner: UserId, after: SubjectPlace | None, limit: int) -> SubjectPage:
        """Return about `limit` subjects of the owner, and blocks against them, beyond a place.

        For erasures: all that was ever recorded, ended or not, save accounts. One store request; a
        page may be empty.
        """

    async def erase(self, mutations: Sequence[RelationMutation]) -> None:
        """Erase all about the subjects of these mutations, from all sides. Durable on return.

        What was recorded by now is gone; writers must record these no more. The claim of a list's
        id stays, or is recorded, so that nobody else gets the list. Accounts stay as they are.
        """

    async def erase_owner(self, owner: UserId) -> None:
        """Erase what is left on the owner's own side, once `subjects` are erased."""

    async def blocked_pairs(self, pairs: Collection[Pair]) -> set[Pair]:
        """Return the pairs, as they were given, with a block in either direction.

        One store request for up to 1,000 pairs.
        """

    async def followed_pairs(self, pairs: Collection[Pair]) -> set[Pair]:
        """Return the (follower, followee) pairs with an edge that exists and that no block ended.

        Two store requests at once for 1,000 pairs that have one user in common, as the repliers
        to one author do; for others another one for each 1,000 of followers times followees.
        """

    async def others(
        self, owner: UserId, kind: SubjectKind, *, after: UserId, limit: int
    ) -> dict[UserId, Relationship]:
        """Return up to `limit` users that the owner follows, blocks or mutes.

        Their ids are above `after`, ascending; `kind` is FOLLOW, BLOCK or MUTE. For pages and
        background work: it reads all that the owner states about others from `after` on, 1,000
        statements in each request.
        """

    async def followees(self, owner: UserId, *, after: UserId, limit: int) -> list[Edge]:
        """Return up to `limit` edges to ids above `after`, ascending; reads as `others` does."""

    async def stated_followees(self, owner: UserId, limit: int) -> list[UserId]:
        """Return up to `limit` users that the owner has followed and not unfollowed, ascending.

        A block may have ended the edge: only the others' statements say. One store request for each
        1,000 statements of the owner.
        """

    async def edge_facts(self, owner: UserId, *, after: UserId, limit: int) -> list[FollowFact]:
        """Return up to `limit` facts, one for each edge ever made, by followees above `after`.

        Each is the newest, so recording it makes the edge what it is here: with all its options, or
        ended. An edge that a block has ended is ended by a fact with the block's version.
        Fewer than `limit` are the last ones. It reads as `others` does.
        """

    async def owners(self, token: int, limit: int) -> ScanPage[UserId]:
        """Return some users with any relations or settings, beyond a token.

        A whole scan returns each once.
        """

    async def list_of(self, list_id: ListId) -> OwnedList | None:
        """Return the list as its first owner made it; None where it is unknown or deleted."""

    async def members(self, list_id: ListId, *, after: UserId, limit: int) -> list[UserId]:
        """Return up to `limit` members that come after `after`; none of a list that does not exist.

        In `lists.member_order`: continue from the last member of a page; 0 is the beginning.
        Two store requests for the first page.
        """

    async def memberships(
        self, lists: Collection[int], users: Collection[UserId]
    ) -> set[tuple[ListId, UserId]]:
        """Return which users are members of which of these lists, as far as the lists exist.

        One store request for lists times users up to 4,000.
        """
