"""Rules 1, 2, 5, 8 and 9: what people wrote, and who follows whom."""

from tests.cases.told import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    FIFTH,
    FIRST,
    FOURTH,
    NAMES,
    SAID,
    SECOND,
    Case,
    Entry,
    Explained,
    Home,
    Page,
    Post,
    Thread,
    days_old,
    delete,
    edit,
    follow,
    post,
    reply,
    repost,
    unfollow,
)

OF_ALICE = post(FIRST, ALICE, "hello")
FOLLOWS = follow(BOB, ALICE)
BY_CAROL = post(FIRST, CAROL, "hello")

MINE = post(FIRST, BOB)
TO_FIRST = reply(SECOND, ALICE, FIRST)

ORDER = [
    Case(1, "newest first by id",
         (post(SECOND, ALICE), OF_ALICE, FOLLOWS), Home(BOB), [SECOND, FIRST]),
    Case(1, "a post that is told twice is there once",
         (OF_ALICE, OF_ALICE, FOLLOWS), Home(BOB), [FIRST]),
    Case(1, "one's own posts are in it, with no followers", (OF_ALICE,), Home(ALICE), [FIRST]),
    Case(1, "one's own post is explained by 1", (OF_ALICE,), Explained(ALICE, FIRST), (True, 1)),
    Case(1, "one's own reason is oneself",
         (OF_ALICE,), Entry(ALICE, FIRST), ([], "self", ALICE, None)),
    Case(2, "a stranger's post is not in it", (OF_ALICE,), Home(BOB), []),
    Case(2, "no edge is 2", (OF_ALICE,), Explained(BOB, FIRST), (False, 2)),
    Case(2, "what alice wrote before comes with the follow",
         (FOLLOWS, post(days_old(20), ALICE)), Home(BOB), [days_old(20)], 30),
    Case(2, "a followee's post is there through her",
         (OF_ALICE, FOLLOWS), Entry(BOB, FIRST), ([], "follow", ALICE, None)),
    Case(2, "as far back as the retention",
         (FOLLOWS, post(days_old(30), ALICE), post(days_old(29), ALICE)),
         Home(BOB), [days_old(29)], 30),
    Case(2, "0 is for ever", (FOLLOWS, post(days_old(3_000), ALICE)), Home(BOB), [days_old(3_000)]),
    Case(2, "one's own posts have a retention too",
         (post(days_old(31), ALICE),), Home(ALICE), [], 30),
    Case(2, "past the retention is 2",
         (FOLLOWS, post(days_old(31), ALICE)), Explained(BOB, days_old(31)), (False, 2), 30),
    Case(2, "an author's page has no retention",
         (post(days_old(31), ALICE),), Page(BOB, ALICE), [days_old(31)], 30),
    Case(2, "after an unfollow all is gone",
         (OF_ALICE, FOLLOWS, unfollow(BOB, ALICE, at=1)), Home(BOB), []),
    Case(2, "after a new follow it is back",
         (OF_ALICE, follow(BOB, ALICE, at=2), unfollow(BOB, ALICE, at=1), FOLLOWS),
         Home(BOB), [FIRST]),
    Case(2, "at equal versions the removal wins",
         (OF_ALICE, FOLLOWS, unfollow(BOB, ALICE)), Home(BOB), []),
]  # fmt: skip


def audience(visibility: str, reader: int | None, seen: bool) -> Case:
    """Bob follows alice, carol is mentioned, dave is neither; None is nobody in particular."""
    told = post(FIRST, ALICE, "hello", visibility=visibility, mentions=(CAROL,))
    claim = f"{visibility}: {'seen' if seen else 'not seen'} by {NAMES[reader]}"
    return Case(5, claim, (told, FOLLOWS), Post(reader, FIRST), "hello" if seen else None)


SEEN_BY = {
    "public": (ALICE, BOB, CAROL, DAVE, None),
    "unlisted": (ALICE, BOB, CAROL, DAVE),
    "followers": (ALICE, BOB, CAROL),
    "direct": (ALICE, CAROL),
}
AUDIENCES = [
    audience(visibility, reader, reader in readers)
    for visibility, readers in SEEN_BY.items()
    for reader in (ALICE, BOB, CAROL, DAVE, None)
]
VISIBILITY = [
    *AUDIENCES,
    Case(5, "a reply's visibility is its own; what it answers may be missing",
         (post(FIRST, ALICE, visibility="direct"), reply(SECOND, CAROL, FIRST)),
         Thread(BOB, SECOND), [(FIRST, -1, "missing", 0), (SECOND, 0, None, 0)]),
    Case(31, "404 where V is not of its audience",
         (post(FIRST, ALICE, visibility="direct"), FOLLOWS), Explained(BOB, FIRST), None),
    Case(31, "also of a deleted one",
         (post(FIRST, ALICE, visibility="direct"), delete(FIRST, ALICE), FOLLOWS),
         Explained(BOB, FIRST), None),
    Case(31, "404 for an unknown post", (FOLLOWS,), Explained(BOB, FIRST), None),
]  # fmt: skip

EDITS = [
    Case(8, "an edit shows the newest version in the same place",
         (OF_ALICE, post(SECOND, ALICE), edit(FIRST, ALICE, text="bye"), FOLLOWS),
         Home(BOB), [SECOND, FIRST]),
    Case(8, "the newest, whatever comes last",
         (edit(FIRST, ALICE, at=2, text="bye"), edit(FIRST, ALICE, text="hm"), OF_ALICE),
         Post(BOB, FIRST), "bye"),
    Case(8, "absent is unchanged",
         (OF_ALICE, edit(FIRST, ALICE, lang="en")), Post(BOB, FIRST), "hello"),
    Case(8, "null is the default", (OF_ALICE, edit(FIRST, ALICE, text=None)), Post(BOB, FIRST), ""),
    Case(8, "a version that the rules hide disappears",
         (OF_ALICE, edit(FIRST, ALICE, visibility="direct"), FOLLOWS), Home(BOB), []),
    Case(8, "nobody else edits",
         (OF_ALICE, edit(FIRST, CAROL, text="bye")), Post(BOB, FIRST), "hello"),
    Case(8, "deletion is final, whatever its version",
         (edit(FIRST, ALICE, at=10**9, text="bye"), delete(FIRST, ALICE), OF_ALICE, FOLLOWS),
         Explained(BOB, FIRST), (False, 8)),
    Case(8, "nobody else deletes", (OF_ALICE, delete(FIRST, CAROL), FOLLOWS), Home(BOB), [FIRST]),
    Case(8, "no other's create brings it back",
         (OF_ALICE, delete(FIRST, ALICE), post(FIRST, CAROL, version=SAID), follow(BOB, CAROL)),
         Home(BOB), []),
    Case(8, "without a creation the post stays unknown",
         (delete(FIRST, ALICE), FOLLOWS), Explained(BOB, FIRST), None),
    Case(8, "a deleted parent's author is known to the rules",
         (MINE, delete(FIRST, BOB), TO_FIRST, FOLLOWS), Home(BOB), [SECOND]),
    Case(8, "a repost of what is deleted is hidden by 8",
         (BY_CAROL, delete(FIRST, CAROL), repost(SECOND, ALICE, FIRST), FOLLOWS),
         Explained(BOB, SECOND), (False, 8)),
    Case(9, "one dated years back takes its place by its id",
         (post(days_old(2_000), ALICE), OF_ALICE, post(FIFTH, BOB), post(FOURTH, ALICE), FOLLOWS),
         Home(BOB), [FIFTH, FOURTH, FIRST, days_old(2_000)]),
]  # fmt: skip

HOME = [*ORDER, *VISIBILITY, *EDITS]
