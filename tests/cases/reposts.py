"""Rule 4: reposts, their windows and succession."""

from tests.cases.told import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    Case,
    Entry,
    Explained,
    Home,
    Post,
    days_old,
    delete,
    follow,
    post,
    reply,
    repost,
    unfollow,
)

FOLLOWS = follow(BOB, ALICE)
ORIGINAL = days_old(4)
EARLY, SOON, LATER, NEXT, LAST = (days_old(age, 1) for age in (4.1, 3.9, 3.5, 3, 2))
"""Before an original, twice in its first window, on the edge of the next, on that of the third."""
BY_DAVE = post(ORIGINAL, DAVE, "told")
TELLERS = (follow(BOB, ALICE), follow(BOB, CAROL))

FIRST_TELLS, SECOND_TELLS = repost(SOON, ALICE, ORIGINAL), repost(LATER, CAROL, ORIGINAL)

REPOSTS = [
    Case(
        4,
        "a repost shows the original, and who reposted",
        (BY_DAVE, FIRST_TELLS, FOLLOWS),
        Entry(BOB, SOON),
        ([ALICE], "repost", ALICE, None),
    ),
    Case(4, "its author is the original's", (BY_DAVE, FIRST_TELLS), Post(BOB, SOON), "told"),
    Case(
        4,
        "a follow edge may switch reposts off",
        (BY_DAVE, FIRST_TELLS, follow(BOB, ALICE, reposts=False)),
        Explained(BOB, SOON),
        (False, 4),
    ),
    Case(
        4,
        "a repost of a repost is one of its original",
        (BY_DAVE, repost(SOON, DAVE, ORIGINAL), repost(LATER, ALICE, SOON), FOLLOWS),
        Entry(BOB, LATER),
        ([ALICE], "repost", ALICE, None),
    ),
    Case(
        4,
        "in a window an original has the place of the earliest reason",
        (BY_DAVE, FIRST_TELLS, SECOND_TELLS, *TELLERS),
        Home(BOB),
        [SOON],
    ),
    Case(
        4,
        "the others are named on it",
        (BY_DAVE, SECOND_TELLS, FIRST_TELLS, *TELLERS),
        Entry(BOB, SOON),
        ([ALICE, CAROL], "repost", ALICE, None),
    ),
    Case(
        4,
        "the others are folded",
        (BY_DAVE, FIRST_TELLS, SECOND_TELLS, *TELLERS),
        Explained(BOB, LATER),
        (False, 4),
    ),
    Case(
        4,
        "who reposts twice is named once",
        (BY_DAVE, FIRST_TELLS, repost(LATER, ALICE, ORIGINAL), FOLLOWS),
        Entry(BOB, SOON),
        ([ALICE], "repost", ALICE, None),
    ),
    Case(
        4,
        "the original itself counts for window 0",
        (BY_DAVE, FIRST_TELLS, FOLLOWS, follow(BOB, DAVE)),
        Home(BOB),
        [ORIGINAL],
    ),
    Case(
        4,
        "and its reposters are named on it",
        (BY_DAVE, FIRST_TELLS, FOLLOWS, follow(BOB, DAVE)),
        Entry(BOB, ORIGINAL),
        ([ALICE], "follow", DAVE, None),
    ),
    Case(
        4,
        "24 hours after the original a window begins",
        (BY_DAVE, FIRST_TELLS, repost(NEXT, CAROL, ORIGINAL), *TELLERS),
        Home(BOB),
        [NEXT, SOON],
    ),
    Case(
        4,
        "windows count from the original's time, not from a repost's",
        (BY_DAVE, repost(LATER, ALICE, ORIGINAL), repost(NEXT, CAROL, ORIGINAL), *TELLERS),
        Home(BOB),
        [NEXT, LATER],
    ),
    Case(
        4,
        "48 hours after it the next",
        (BY_DAVE, repost(NEXT, ALICE, ORIGINAL), repost(LAST, CAROL, ORIGINAL), *TELLERS),
        Home(BOB),
        [LAST, NEXT],
    ),
    Case(
        4,
        "a repost dated before its original counts for window 0",
        (BY_DAVE, repost(EARLY, ALICE, ORIGINAL), SECOND_TELLS, *TELLERS),
        Home(BOB),
        [EARLY],
    ),
    Case(
        4,
        "withdrawn: the next takes over",
        (BY_DAVE, FIRST_TELLS, SECOND_TELLS, delete(SOON, ALICE), *TELLERS),
        Entry(BOB, LATER),
        ([CAROL], "repost", CAROL, None),
    ),
    Case(
        4,
        "unfollowed: the next takes over",
        (BY_DAVE, FIRST_TELLS, SECOND_TELLS, *TELLERS, unfollow(BOB, ALICE, at=1)),
        Home(BOB),
        [LATER],
    ),
    Case(
        4,
        "the original unfollowed: its reposter takes over",
        (BY_DAVE, FIRST_TELLS, FOLLOWS, follow(BOB, DAVE), unfollow(BOB, DAVE, at=1)),
        Home(BOB),
        [SOON],
    ),
    Case(
        4,
        "only those who may see the original see it",
        (post(ORIGINAL, DAVE, visibility="followers"), FIRST_TELLS, FOLLOWS),
        Explained(BOB, SOON),
        None,
    ),
    Case(4, "hidden while the original is unknown", (FIRST_TELLS, FOLLOWS), Home(BOB), []),
    Case(4, "and nothing to be explained", (FIRST_TELLS, FOLLOWS), Explained(BOB, SOON), None),
    Case(
        4,
        "the text of a repost is ignored",
        (BY_DAVE, repost(SOON, ALICE, ORIGINAL, text="mine")),
        Post(BOB, SOON),
        "told",
    ),
    Case(
        4,
        "a repost of V's own post is not delivered to V",
        (post(ORIGINAL, BOB), FIRST_TELLS, FOLLOWS),
        Home(BOB),
        [ORIGINAL],
    ),
    Case(
        4,
        "nor is it named",
        (post(ORIGINAL, BOB), FIRST_TELLS, FOLLOWS),
        Entry(BOB, ORIGINAL),
        ([], "self", BOB, None),
    ),
    Case(
        4,
        "it is explained by 4",
        (post(ORIGINAL, BOB), FIRST_TELLS, FOLLOWS),
        Explained(BOB, SOON),
        (False, 4),
    ),
    Case(
        4,
        "reposts are exempt from the reply rule",
        (
            post(EARLY, CAROL),
            reply(ORIGINAL, DAVE, EARLY),
            FIRST_TELLS,
            follow(BOB, ALICE, replies="none"),
        ),
        Home(BOB),
        [SOON],
    ),
    Case(
        4,
        "an original that the reply rule hides is no reason",
        (post(EARLY, CAROL), reply(ORIGINAL, DAVE, EARLY), FIRST_TELLS, FOLLOWS, follow(BOB, DAVE)),
        Home(BOB),
        [SOON],
    ),
    Case(
        4,
        "V's own repost is in V's home",
        (BY_DAVE, repost(SOON, BOB, ORIGINAL)),
        Entry(BOB, SOON),
        ([BOB], "self", BOB, None),
    ),
]
