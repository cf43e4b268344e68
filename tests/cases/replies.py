"""Rule 3: what each follow edge says of replies."""

from schemas.events import PostCreated
from tests.cases.told import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    FIRST,
    SECOND,
    THIRD,
    UNKNOWN,
    Case,
    Explained,
    Home,
    follow,
    post,
    reply,
)

OF_ALICE = post(FIRST, ALICE, "hello")
FOLLOWS = follow(BOB, ALICE)
MINE, HERS, CAROLS = post(FIRST, BOB), post(FIRST, ALICE), post(FIRST, CAROL)
TO_FIRST, TO_SECOND = reply(SECOND, ALICE, FIRST), reply(THIRD, ALICE, SECOND)


def bobs(claim: str, options: str | None, shown: bool, *log: PostCreated) -> Case:
    """Whether bob, who follows alice with these options, is shown her newest reply."""
    newest = max(each.post_id for each in log if each.author_id == ALICE)
    edge = follow(BOB, ALICE, replies=options)
    return Case(3, claim, (*log, edge), Explained(BOB, newest), (shown, 3))


REPLIES = [
    bobs("by default a reply to V is shown", None, True, MINE, TO_FIRST),
    bobs("and one to herself", None, True, HERS, TO_FIRST),
    Case(3, "and one to whom V follows",
         (CAROLS, TO_FIRST, FOLLOWS, follow(BOB, CAROL)), Explained(BOB, SECOND), (True, 3)),
    bobs("but not one to a stranger", None, False, CAROLS, TO_FIRST),
    bobs(
        "followed: the parent decides, not what is above it",
        None,
        False,
        MINE,
        reply(SECOND, CAROL, FIRST),
        TO_SECOND,
    ),
    bobs("all", "all", True, CAROLS, TO_FIRST),
    bobs(
        "conversation: a post above is by V",
        "conversation",
        True,
        MINE,
        reply(SECOND, CAROL, FIRST),
        TO_SECOND,
    ),
    Case(3, "conversation: one is by somebody else whom V follows",
         (post(FIRST, DAVE), reply(SECOND, CAROL, FIRST),
          TO_SECOND, follow(BOB, ALICE, replies="conversation"), follow(BOB, DAVE)),
         Explained(BOB, THIRD), (True, 3)),
    bobs(
        "conversation: alice among strangers is not enough",
        "conversation",
        False,
        HERS,
        reply(SECOND, CAROL, FIRST),
        TO_SECOND,
    ),
    bobs("conversation: all are hers", "conversation", True, HERS, TO_FIRST, TO_SECOND),
    bobs(
        "conversation: nothing counts above an unknown one",
        "conversation",
        False,
        reply(SECOND, CAROL, UNKNOWN, root_id=FIRST),
        MINE,
        TO_SECOND,
    ),
    bobs("self_threads: all are hers", "self_threads", True, HERS, TO_FIRST, TO_SECOND),
    bobs(
        "self_threads: V among them is a stranger",
        "self_threads",
        False,
        HERS,
        reply(SECOND, BOB, FIRST),
        TO_SECOND,
    ),
    bobs("self_threads: an unknown one is a stranger's", "self_threads", False, TO_FIRST),
    bobs("none", "none", False, MINE, TO_FIRST),
    Case(3, "none, and no reply",
         (OF_ALICE, follow(BOB, ALICE, replies="none")), Explained(BOB, FIRST), (True, 2)),
    bobs("a reply to an unknown parent is one to a stranger", None, False, TO_FIRST),
    bobs("until the parent arrives", None, True, TO_FIRST, MINE),
    Case(3, "a mention in a top-level post is no reply",
         (post(FIRST, ALICE, mentions=(CAROL,)), follow(BOB, ALICE, replies="none")),
         Home(BOB), [FIRST]),
    Case(3, "V's own replies always show", (CAROLS, TO_FIRST), Home(ALICE), [SECOND]),
    Case(3, "options are per edge, and the last stated hold",
         (CAROLS, TO_FIRST, follow(BOB, ALICE, replies="all"), follow(BOB, ALICE, at=1)),
         Home(BOB), []),
]  # fmt: skip
