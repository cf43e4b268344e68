"""The visibility predicate, rule by rule: what bob reads of alice, and why not."""

from typing import Any, NamedTuple

import pytest

from schemas.ids import PostId, UserId, Version
from services.posts.post import Post
from services.relations.relations import Edge, Relations, Relationship
from services.visibility.predicate import judge_in_home, judge_readable
from services.visibility.view import View

ALICE, BOB, CAROL, DAVE = (UserId(each) for each in range(1, 5))
OLD, TOP, MIDDLE, POST = (PostId(each) for each in range(10, 14))
UNKNOWN = PostId(99)


def post(post_id: PostId = POST, by: UserId = ALICE, **fields: Any) -> Post:
    return Post(post_id, by, **fields)


def follows(*followees: UserId, **options: Any) -> dict[UserId, Edge]:
    """Bob's edges; the options are those of the first."""
    edges = {each: Edge(BOB, each, Version(1)) for each in followees}
    if options:
        edges[followees[0]] = Edge(BOB, followees[0], Version(1), **options)
    return edges


class Case(NamedTuple):
    """`above` is what else is known."""

    claim: str
    post: Post
    edges: dict[UserId, Edge]
    shown: bool
    rule: int
    above: tuple[Post, ...] = ()


PLAIN, REPLY = post(), post(parent_id=TOP)
BY_ALICE, BY_BOB, BY_CAROL = (post(TOP, by) for by in (ALICE, BOB, CAROL))
DIRECT = post(visibility="direct", mentions=frozenset({CAROL}))
TO_BOB = post(visibility="direct", mentions=frozenset({BOB}))
REPOST = post(repost_of=TOP)
DEEP = post(parent_id=MIDDLE)
CAROL_ANSWERS = post(MIDDLE, CAROL, parent_id=TOP)
ALICE_ANSWERS = post(MIDDLE, ALICE, parent_id=TOP)

HOME = [
    Case("one's own post", post(by=BOB), {}, True, 1),
    Case("one's own reply to a stranger", post(by=BOB, parent_id=TOP), {}, True, 1, (BY_CAROL,)),
    Case("a stranger's post", PLAIN, {}, False, 2),
    Case("a followee's post", PLAIN, follows(ALICE), True, 2),
    Case("a followee's post past its retention", post(OLD), follows(ALICE), False, 2),
    Case("one's own past its retention", post(OLD, BOB), {}, False, 2),
    # 3, the default: followed
    Case("a reply to a stranger", REPLY, follows(ALICE), False, 3, (BY_CAROL,)),
    Case("a reply to nobody yet known", REPLY, follows(ALICE), False, 3),
    Case("a reply to bob", REPLY, follows(ALICE), True, 3, (BY_BOB,)),
    Case("a reply to a followee", REPLY, follows(ALICE, CAROL), True, 3, (BY_CAROL,)),
    Case("a reply to oneself", REPLY, follows(ALICE), True, 3, (BY_ALICE,)),
    Case("a mention in a post is no reply", post(mentions=frozenset({9})), follows(ALICE), True, 2),
    # 3, the others
    Case("all", REPLY, follows(ALICE, replies="all"), True, 3),
    Case("none", REPLY, follows(ALICE, replies="none"), False, 3, (BY_BOB,)),
    Case("none, and no reply", PLAIN, follows(ALICE, replies="none"), True, 2),
    Case(
        "conversation: somewhere above is bob",
        DEEP,
        follows(ALICE, replies="conversation"),
        True,
        3,
        (CAROL_ANSWERS, BY_BOB),
    ),
    Case(
        "conversation: above are strangers",
        DEEP,
        follows(ALICE, replies="conversation"),
        False,
        3,
        (CAROL_ANSWERS, post(TOP, DAVE)),
    ),
    Case(
        "conversation: whom he follows is not alice alone",
        DEEP,
        follows(ALICE, replies="conversation"),
        False,
        3,
        (CAROL_ANSWERS, BY_ALICE),
    ),
    Case(
        "conversation: all alice's",
        DEEP,
        follows(ALICE, replies="conversation"),
        True,
        3,
        (ALICE_ANSWERS, BY_ALICE),
    ),
    Case(
        "conversation: what is above the first unknown one does not count",
        DEEP,
        follows(ALICE, replies="conversation"),
        False,
        3,
        (BY_BOB,),
    ),
    Case(
        "self_threads: all alice's",
        DEEP,
        follows(ALICE, replies="self_threads"),
        True,
        3,
        (ALICE_ANSWERS, BY_ALICE),
    ),
    Case(
        "self_threads: bob is among them",
        DEEP,
        follows(ALICE, replies="self_threads"),
        False,
        3,
        (ALICE_ANSWERS, BY_BOB),
    ),
    Case(
        "self_threads: an unknown one is a stranger's",
        DEEP,
        follows(ALICE, replies="self_threads"),
        False,
        3,
        (ALICE_ANSWERS,),
    ),
    Case(
        "a deleted parent is known to the rule",
        REPLY,
        follows(ALICE),
        True,
        3,
        (post(TOP, BOB, deleted=True),),
    ),
    # 4
    Case("a repost", REPOST, follows(ALICE), True, 4, (BY_CAROL,)),
    Case(
        "a repost of a reply to a stranger",
        REPOST,
        follows(ALICE),
        True,
        4,
        (post(TOP, CAROL, parent_id=UNKNOWN),),
    ),
    Case("a repost of what is unknown", REPOST, follows(ALICE), False, 4),
    Case("a repost of bob's own", REPOST, follows(ALICE), False, 4, (BY_BOB,)),
    Case("bob's own repost", post(by=BOB, repost_of=TOP), {}, True, 4, (BY_CAROL,)),
    Case("reposts are off", REPOST, follows(ALICE, reposts=False), False, 4, (BY_CAROL,)),
    Case("replies are off", REPOST, follows(ALICE, replies="none"), True, 4, (BY_CAROL,)),
    Case(
        "a repost of what is deleted",
        REPOST,
        follows(ALICE),
        False,
        8,
        (post(TOP, CAROL, deleted=True),),
    ),
    Case(
        "a repost of what only others may see",
        REPOST,
        follows(ALICE),
        False,
        5,
        (post(TOP, CAROL, visibility="followers"),),
    ),
    Case(
        "a repost of a repost of what is unknown",
        post(repost_of=MIDDLE),
        follows(ALICE),
        False,
        4,
        (post(MIDDLE, CAROL, repost_of=TOP),),
    ),
    Case(
        "a repost of a repost",
        post(repost_of=MIDDLE),
        follows(ALICE),
        True,
        4,
        (post(MIDDLE, CAROL, repost_of=TOP), post(TOP, DAVE)),
    ),
    Case(
        "reposts in a circle",
        post(repost_of=MIDDLE),
        follows(ALICE),
        False,
        4,
        (post(MIDDLE, CAROL, repost_of=POST),),
    ),
    # 5
    Case("unlisted", post(visibility="unlisted"), follows(ALICE), True, 2),
    Case("for followers", post(visibility="followers"), follows(ALICE), True, 2),
    Case("direct, to bob", TO_BOB, follows(ALICE), True, 2),
    Case("direct, to bob, who does not follow", TO_BOB, {}, False, 2),
    Case("direct, to others", DIRECT, follows(ALICE), False, 5),
    # 8
    Case("deleted", post(deleted=True), follows(ALICE), False, 8),
    Case(
        "direct to others, and deleted",
        post(visibility="direct", deleted=True),
        follows(ALICE),
        False,
        5,
    ),
]


def standing(edges: dict[UserId, Edge]) -> Relations:
    return Relations(between={each: Relationship(edge=edge) for each, edge in edges.items()})


def view(case: Case, viewer: UserId | None = BOB) -> View:
    known = {each.post_id: each for each in (case.post, *case.above)}
    return View(viewer, known, standing(case.edges), floor=OLD)


@pytest.mark.parametrize("case", HOME, ids=lambda case: case.claim)
def test_bobs_home(case: Case) -> None:
    """Each case says by which rule it is shown or not."""
    verdict = judge_in_home(case.post, view(case))
    assert (verdict.shown, verdict.rule) == (case.shown, case.rule)


AUDIENCES: dict[str, set[UserId | None]] = {
    "public": {None, ALICE, BOB, CAROL, DAVE},
    "unlisted": {ALICE, BOB, CAROL, DAVE},
    "followers": {ALICE, BOB, CAROL},
    "direct": {ALICE, CAROL},
}


@pytest.mark.parametrize("viewer", [None, ALICE, BOB, CAROL, DAVE])
@pytest.mark.parametrize("visibility", AUDIENCES)
def test_who_may_read_a_post_of_alice(visibility: Any, viewer: UserId | None) -> None:
    """Bob follows her, carol is mentioned, dave is neither, and somebody has no name."""
    said = post(visibility=visibility, mentions=frozenset({CAROL}))
    edges = follows(ALICE) if viewer == BOB else {}
    verdict = judge_readable(said, View(viewer, {POST: said}, standing(edges)))
    assert verdict.shown == (viewer in AUDIENCES[visibility])
