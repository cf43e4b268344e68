"""Rules 6 and 10: blocks, mutes, suspended accounts."""

from schemas.relations import (
    AccountErased,
    AccountReinstated,
    AccountSuspended,
    MuteDeleted,
)
from tests.cases.told import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    FIRST,
    NOW,
    SAID,
    SECOND,
    THIRD,
    Case,
    Entry,
    Explained,
    Home,
    Page,
    Post,
    Thread,
    block,
    delete,
    follow,
    mute,
    post,
    reply,
    repost,
    unblock,
)

OF_ALICE = post(FIRST, ALICE, "hello")
OF_DAVE = post(FIRST, DAVE, "hello")
OF_BOB = post(FIRST, BOB, "hello")
FOLLOWS, AGAIN = follow(BOB, ALICE), follow(BOB, ALICE, at=2)
CAROLS_REPOST = (OF_ALICE, repost(SECOND, CAROL, FIRST), follow(BOB, CAROL))
OF_HER = (post(FIRST, CAROL, "she", mentions=(ALICE,)), follow(BOB, CAROL))
BLOCKS = block(BOB, ALICE)
BLOCKED = block(ALICE, BOB)
MUTES = mute(BOB, ALICE)
APART = block(CAROL, DAVE)
HERS = (OF_ALICE, FOLLOWS)

BLOCKS_IN_HOME = [
    Case(6, "a block hides the other's posts", (*HERS, block(BOB, ALICE, 1)), Home(BOB), []),
    Case(6, "in either direction", (*HERS, block(ALICE, BOB, 1)), Home(BOB), []),
    Case(6, "also when followed after it", (OF_ALICE, BLOCKS, AGAIN), Home(BOB), []),
    Case(6, "V's own block decides by 6",
         (OF_ALICE, BLOCKS, AGAIN), Explained(BOB, FIRST), (False, 6)),
    Case(6, "reposts of the other's posts", (*CAROLS_REPOST, BLOCKS), Home(BOB), []),
    Case(6, "posts by others mentioning the other", (*OF_HER, BLOCKS), Home(BOB), []),
    Case(6, "also where the other blocks", (*OF_HER, BLOCKED), Home(BOB), []),
    Case(6, "V's own posts may mention the other",
         (post(FIRST, BOB, mentions=(ALICE,)), BLOCKS), Home(BOB), [FIRST]),
    Case(6, "a block ends the follow edge",
         (*HERS, block(BOB, ALICE, 1), unblock(BOB, ALICE, 2)), Home(BOB), []),
    Case(6, "both of them", (*HERS, block(ALICE, BOB, 1), unblock(ALICE, BOB, 2)), Home(BOB), []),
    Case(6, "without an edge nothing of 6 is left",
         (*HERS, block(BOB, ALICE, 1), unblock(BOB, ALICE, 2)), Explained(BOB, FIRST), (False, 2)),
    Case(6, "an edge as old as the block is ended",
         (*HERS, BLOCKS, unblock(BOB, ALICE, 1)), Home(BOB), []),
    Case(6, "an edge above the last block lives",
         (OF_ALICE, BLOCKS, unblock(BOB, ALICE, 1), AGAIN), Home(BOB), [FIRST]),
    Case(6, "the highest block counts, whoever made it",
         (OF_ALICE, BLOCKS, unblock(BOB, ALICE, 1), AGAIN, block(ALICE, BOB, 3),
          unblock(ALICE, BOB, 4)), Home(BOB), []),
    Case(6, "an edge that a block ended is no audience",
         (post(FIRST, ALICE, visibility="followers"), FOLLOWS, block(BOB, ALICE, 1),
          unblock(BOB, ALICE, 2)), Post(BOB, FIRST), None),
    Case(6, "at equal versions the unblock wins",
         (OF_ALICE, BLOCKS, unblock(BOB, ALICE), AGAIN), Home(BOB), [FIRST]),
    Case(6, "a blocked author's page is empty", (OF_ALICE, BLOCKED), Page(BOB, ALICE), []),
    Case(6, "a blocked author's post does not exist", (OF_ALICE, BLOCKED), Post(BOB, FIRST), None),
    Case(31, "404 where only others' blocks hide it",
         (OF_ALICE, BLOCKED, AGAIN), Explained(BOB, FIRST), None),
    Case(31, "of a repost, also where they hide its original",
         (*CAROLS_REPOST, BLOCKED), Explained(BOB, SECOND), None),
    Case(31, "one's own block may be known beside the other's",
         (*HERS, BLOCKS, BLOCKED), Explained(BOB, FIRST), (False, 6)),
    Case(31, "8 is before 6",
         (*HERS, BLOCKS, delete(FIRST, ALICE)), Explained(BOB, FIRST), (False, 8)),
    Case(31, "others' blocks are kept from V also of what is deleted",
         (*HERS, BLOCKED, delete(FIRST, ALICE)), Explained(BOB, FIRST), None),
    Case(31, "and of what a suspended account wrote",
         (*HERS, BLOCKED, AccountSuspended(version=SAID, owner_id=ALICE)),
         Explained(BOB, FIRST), None),
    Case(31, "6 is before the retention", (*HERS, BLOCKS), Explained(BOB, FIRST), (False, 6), 0.01),
]  # fmt: skip

LINE = (post(FIRST, DAVE), reply(SECOND, CAROL, FIRST), reply(THIRD, ALICE, SECOND))
OTHERS = [
    Case(6, "others' blocks: downwards the reply is hidden, with what is below",
         (*LINE, APART), Thread(BOB, FIRST), [(FIRST, 0, None, 1)]),
    Case(6, "others' blocks: upwards the post above is blocked",
         (*LINE, APART), Thread(BOB, SECOND),
         [(FIRST, -1, "blocked", 0), (SECOND, 0, None, 0), (THIRD, 1, None, 0)]),
    Case(6, "others' blocks: only directly below",
         (*LINE, block(DAVE, ALICE)),
         Thread(BOB, FIRST), [(FIRST, 0, None, 0), (SECOND, 1, None, 0), (THIRD, 2, None, 0)]),
    Case(6, "others' blocks: only where both would be shown",
         (*LINE, APART, delete(FIRST, DAVE)),
         Thread(BOB, FIRST), [(FIRST, 0, "deleted", 0), (SECOND, 1, None, 0), (THIRD, 2, None, 0)]),
    Case(6, "others' blocks: also for nobody in particular",
         (*LINE, APART), Thread(None, FIRST), [(FIRST, 0, None, 1)]),
    Case(6, "others' blocks: not in home",
         (*LINE, APART, follow(BOB, CAROL), follow(BOB, DAVE)), Home(BOB), [SECOND, FIRST]),
]  # fmt: skip

EXPIRED, LASTING = (NOW * 1_000 + more for more in (0, 1))
MUTES_IN_HOME = [
    Case(6, "a mute hides posts", (*HERS, MUTES), Explained(BOB, FIRST), (False, 6)),
    Case(6, "a mute is one-sided", (OF_BOB, follow(ALICE, BOB), MUTES), Home(ALICE), [FIRST]),
    Case(6, "and ends no edge",
         (*HERS, MUTES, MuteDeleted(version=SAID, owner_id=BOB, target_id=ALICE)),
         Home(BOB), [FIRST]),
    Case(6, "a mute hides reposts of the muted", (*CAROLS_REPOST, MUTES), Home(BOB), []),
    Case(6, "and reposts by the muted",
         (OF_DAVE, repost(SECOND, ALICE, FIRST), FOLLOWS, MUTES), Home(BOB), []),
    Case(6, "and posts mentioning the muted", (*OF_HER, MUTES), Home(BOB), []),
    Case(6, "reposts: not those that the muted makes",
         (OF_DAVE, repost(SECOND, ALICE, FIRST), FOLLOWS, mute(BOB, ALICE, scope="reposts")),
         Explained(BOB, SECOND), (False, 6)),
    Case(6, "reposts: but what the muted writes",
         (*HERS, mute(BOB, ALICE, scope="reposts")), Home(BOB), [FIRST]),
    Case(6, "reposts: and others' reposts of it",
         (*CAROLS_REPOST, mute(BOB, ALICE, scope="reposts")), Home(BOB), [SECOND]),
    Case(6, "reposts: the next reposter takes over",
         (OF_DAVE, repost(SECOND, ALICE, FIRST), repost(THIRD, CAROL, FIRST),
          FOLLOWS, follow(BOB, CAROL), mute(BOB, ALICE, scope="reposts")), Entry(BOB, THIRD),
         ([CAROL], "repost", CAROL, None)),
    Case(6, "a mute may expire", (*HERS, mute(BOB, ALICE, expires_at=EXPIRED)), Home(BOB), [FIRST]),
    Case(6, "and lasts until then", (*HERS, mute(BOB, ALICE, expires_at=LASTING)), Home(BOB), []),
    Case(6, "the last mute counts, also when it has expired",
         (*HERS, MUTES, mute(BOB, ALICE, 1, expires_at=EXPIRED)), Home(BOB), [FIRST]),
    Case(6, "a user page asked for explicitly ignores mutes",
         (*HERS, MUTES), Page(BOB, ALICE), [FIRST]),
]  # fmt: skip

SUSPENDED, REINSTATED, ERASED = (
    kind(version=SAID + at, owner_id=ALICE)
    for at, kind in enumerate((AccountSuspended, AccountReinstated, AccountErased))
)
AT_ONCE = AccountReinstated(version=SAID, owner_id=ALICE)
ACCOUNTS = [
    Case(10, "a suspended account's posts are shown to nobody",
         (*HERS, SUSPENDED), Explained(BOB, FIRST), (False, 10)),
    Case(10, "nor to itself", (OF_ALICE, SUSPENDED), Home(ALICE), []),
    Case(10, "nor on its page", (OF_ALICE, SUSPENDED), Page(BOB, ALICE), []),
    Case(10, "nor are its reposts",
         (OF_DAVE, repost(SECOND, ALICE, FIRST), FOLLOWS, SUSPENDED), Home(BOB), []),
    Case(10, "nor reposts of its posts",
         (*CAROLS_REPOST, SUSPENDED), Explained(BOB, SECOND), (False, 10)),
    Case(10, "reinstated, everything is back", (*HERS, SUSPENDED, REINSTATED), Home(BOB), [FIRST]),
    Case(10, "at equal versions it is suspended", (*HERS, SUSPENDED, AT_ONCE), Home(BOB), []),
    Case(10, "an erased one is gone for good",
         (*HERS, ERASED, AccountReinstated(version=SAID + 9, owner_id=ALICE)), Home(BOB), []),
    Case(10, "8 is before 10",
         (*HERS, SUSPENDED, delete(FIRST, ALICE)), Explained(BOB, FIRST), (False, 8)),
    Case(10, "10 is before 6", (*HERS, SUSPENDED, MUTES), Explained(BOB, FIRST), (False, 10)),
]  # fmt: skip

PEOPLE = [*BLOCKS_IN_HOME, *OTHERS, *MUTES_IN_HOME, *ACCOUNTS]
