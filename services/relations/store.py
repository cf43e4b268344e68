"""Port: how people stand to each other, and what each set for himself."""

from collections.abc import Collection, Sequence
from typing import Protocol

from schemas.events import FollowFact
from schemas.ids import ListId, PostId, UserId
from services.relations.lists import OwnedList
from services.relations.mutation import RelationMutation, SubjectKind
from services.relations.relations import Edge, ReadMarks, Relations, Relationship
from services.scan import ScanPage

Pair = tuple[UserId, UserId]


class RelationStore(Protocol):
    """What people say of each other. Recording is idempotent and commutative.

    `services.relations.mutation` is its law. Every method raises StoreUnavailable. What a call to
    `record` wrote is seen by every call that begins after it returned.
    """

    async def record(self, mutations: Sequence[RelationMutation]) -> None:
        """Merges the mutations; all that they say is durable on return.

        A block is found from both of its sides, a list also by its id.
        """

    async def about(self, owner: UserId, others: Collection[UserId]) -> Relations:
        """What the owner set for himself, and how he stands to each of the others.

        One store request for up to 1,000 others. Expired mutes are given: expiry is the reader's.
        """

    async def marks(self, owner: UserId, posts: Collection[PostId]) -> ReadMarks:
        """How far the owner has read home, and what he said of these roots and posts.

        One store request for up to 1,000 posts.
        """

    async def suspended(self, users: Collection[UserId]) -> set[UserId]:
        """Those of the users who are suspended or erased. One request for up to 1,000 users."""

    async def blocked_pairs(self, pairs: Collection[Pair]) -> set[Pair]:
        """The pairs, as they were given, between whom there is a block in either direction.

        One store request for up to 1,000 pairs.
        """

    async def followed_pairs(self, pairs: Collection[Pair]) -> set[Pair]:
        """The (follower, followee) pairs with an edge that is there now and that no block ended.

        Two store requests at once for 1,000 pairs that have one person in common, as the repliers
        to one author do; for others another one for each 1,000 of followers times followees.
        """

    async def others(
        self, owner: UserId, kind: SubjectKind, *, after: UserId, limit: int
    ) -> dict[UserId, Relationship]:
        """Up to `limit` people above `after`, ascending, whom the owner follows, blocks or mutes.

        `kind` is FOLLOW, BLOCK or MUTE. For what is paged or done in the background: it looks at
        all that the owner says of others from `after` on, 1,000 statements in each request.
        """

    async def followees(self, owner: UserId, *, after: UserId, limit: int) -> list[Edge]:
        """Up to `limit` edges to ids above `after`, ascending, as `others` finds them."""

    async def edge_facts(self, owner: UserId, *, after: UserId, limit: int) -> list[FollowFact]:
        """Up to `limit` facts, by followees above `after`, ascending: one for each edge ever made.

        Each is the newest there was, so whoever records it has the edge as it is here: with all its
        options, or ended. What a block has ended is ended by a fact with the block's version.
        Fewer than `limit` are the last ones. It reads as `others` does.
        """

    async def owners(self, token: int, limit: int) -> ScanPage[UserId]:
        """Some of those who say anything of others, or set it for themselves, beyond a place.

        Each is given once, in all of a scan.
        """

    async def list_of(self, list_id: ListId) -> OwnedList | None:
        """The list, as its first owner made it; None where it is unknown or deleted."""

    async def members(self, list_id: ListId, *, after: UserId, limit: int) -> list[UserId]:
        """Up to `limit` members that come after `after`; none of a list that is not there.

        In `lists.member_order`: whoever was last on a page is where to go on, and 0 where to begin.
        Two store requests for the first page.
        """

    async def memberships(
        self, lists: Collection[int], users: Collection[UserId]
    ) -> set[tuple[ListId, UserId]]:
        """Which of the users are members of which of these lists, those of lists that are there.

        One store request for lists times users up to 4,000.
        """
