"""Rules 20 to 23: threads with what is hidden in them, and who may reply."""

from schemas.relations import AccountSuspended
from tests.cases.told import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    FIFTH,
    FIRST,
    FOURTH,
    FRIENDS,
    SAID,
    SECOND,
    THIRD,
    UNKNOWN,
    Case,
    Explained,
    Found,
    Home,
    Listed,
    Page,
    Post,
    Thread,
    block,
    delete,
    edit,
    follow,
    listed,
    mute,
    post,
    reply,
    repost,
)

ROOT, ANSWER, BELOW = post(FIRST, ALICE), reply(SECOND, CAROL, FIRST), reply(THIRD, DAVE, SECOND)
TALK = (ROOT, ANSWER, BELOW)
MUTED, BLOCKED = mute(BOB, CAROL), block(CAROL, BOB)
ALL = [(FIRST, 0, None, 0), (SECOND, 1, None, 0), (THIRD, 2, None, 0)]
UP = [(FIRST, -2, None, 0), (SECOND, -1, "muted", 0), (THIRD, 0, None, 0)]
HIDDEN = [(FIRST, 0, None, 1)]
LEAF = [(FIRST, 0, None, 0)]
MENTIONING = reply(SECOND, DAVE, FIRST, mentions=(CAROL,))
DIRECT = reply(SECOND, CAROL, FIRST, visibility="direct")

IN_THREADS = [
    Case(20, "preorder, with depths", TALK, Thread(BOB, FIRST), ALL),
    Case(20, "a repost leads to its original's thread",
         (*TALK, repost(FIFTH, DAVE, FIRST)), Thread(BOB, FIFTH), ALL),
    Case(20, "but none that V may not see",
         (*TALK, repost(FIFTH, DAVE, FIRST, visibility="followers")), Thread(BOB, FIFTH), None),
    Case(21, "a muted reply is hidden with what is below",
         (*TALK, MUTED), Thread(BOB, FIRST), HIDDEN),
    Case(21, "a blocked one too", (*TALK, BLOCKED), Thread(BOB, FIRST), HIDDEN),
    Case(21, "one that mentions the muted too",
         (ROOT, MENTIONING, MUTED), Thread(BOB, FIRST), HIDDEN),
    Case(21, "a mute of reposts hides no reply",
         (*TALK, mute(BOB, CAROL, scope="reposts")), Thread(BOB, FIRST), ALL),
    Case(21, "each is counted where it is left out",
         (*TALK, reply(FOURTH, DAVE, FIRST), mute(BOB, DAVE)),
         Thread(BOB, FIRST), [(FIRST, 0, None, 1), (SECOND, 1, None, 1)]),
    Case(22, "upwards a muted one keeps its place", (*TALK, MUTED), Thread(BOB, THIRD), UP),
    Case(22, "and a blocked one",
         (*TALK, BLOCKED),
         Thread(BOB, THIRD), [(p, d, "blocked" if k else k, h) for p, d, k, h in UP]),
    Case(21, "what V may not see for its visibility counts nowhere",
         (ROOT, DIRECT), Thread(BOB, FIRST), LEAF),
    Case(22, "and has the place missing",
         (ROOT, DIRECT, BELOW),
         Thread(BOB, FIRST), [(FIRST, 0, None, 0), (SECOND, 1, "missing", 0), (THIRD, 2, None, 0)]),
    Case(22, "a deleted post over a living reply keeps its place",
         (*TALK, delete(SECOND, CAROL)),
         Thread(BOB, FIRST), [(FIRST, 0, None, 0), (SECOND, 1, "deleted", 0), (THIRD, 2, None, 0)]),
    Case(22, "a deleted leaf is gone", (*TALK, delete(THIRD, DAVE)), Thread(BOB, FIRST), ALL[:2]),
    Case(22, "a muted reply is living",
         (*TALK, delete(SECOND, CAROL), mute(BOB, DAVE)),
         Thread(BOB, FIRST), [(FIRST, 0, None, 0), (SECOND, 1, "deleted", 1)]),
    Case(22, "a suspended author's post is deleted",
         (*TALK, AccountSuspended(version=SAID, owner_id=CAROL)),
         Thread(BOB, FIRST), [(FIRST, 0, None, 0), (SECOND, 1, "deleted", 0), (THIRD, 2, None, 0)]),
    Case(22, "and its replies do not live",
         (*TALK, delete(SECOND, CAROL), AccountSuspended(version=SAID, owner_id=DAVE)),
         Thread(BOB, FIRST), LEAF),
    Case(22, "deleted comes before blocked",
         (*TALK, BLOCKED, delete(SECOND, CAROL)),
         Thread(BOB, FIRST), [(FIRST, 0, None, 0), (SECOND, 1, "deleted", 0), (THIRD, 2, None, 0)]),
    Case(22, "below a deleted root all stays reachable",
         (*TALK, delete(FIRST, ALICE)), Thread(BOB, FIRST), [(FIRST, 0, "deleted", 0), *ALL[1:]]),
    Case(6, "the thread of a blocked author's post does not exist",
         (*TALK, BLOCKED), Thread(BOB, SECOND), None),
    Case(6, "a muted post asked for by its id is shown",
         (*TALK, MUTED),
         Thread(BOB, SECOND), [(FIRST, -1, None, 0), (SECOND, 0, None, 0), (THIRD, 1, None, 0)]),
]  # fmt: skip


def gated(claim: str, gate: tuple[str, ...], admitted: bool, *more: object) -> Case:
    """Whether carol's reply is in the thread of alice, who mentions dave, with this gate."""
    told = (post(FIRST, ALICE, reply_gate=gate, mentions=(DAVE,)), ANSWER, *more)
    return Case(23, claim, told, Thread(BOB, FIRST), ALL[:2] if admitted else LEAF)


NOBODY = post(FIRST, ALICE, reply_gate=())
AGAINST = (NOBODY, ANSWER, BELOW)
OF_ALICE = reply(FOURTH, ALICE, FIRST)
DEEP = (NOBODY, reply(SECOND, ALICE, FIRST), BELOW)
ORPHAN = reply(SECOND, CAROL, UNKNOWN, root_id=FIRST)
FOLLOWS = follow(BOB, CAROL, replies="all")
RETOLD = repost(FIFTH, BOB, SECOND)
GATES = [
    Case(23, "no gate is everyone", (ROOT, ANSWER), Thread(BOB, FIRST), ALL[:2]),
    gated("an empty gate is nobody", (), False),
    gated("mentioned: not carol", ("mentioned",), False),
    gated("mentioned: since the edit", ("mentioned",), True, edit(FIRST, ALICE, mentions=(CAROL,))),
    gated("followers: carol is none", ("followers",), False, follow(ALICE, CAROL)),
    gated("followers: carol is one", ("followers",), True, follow(CAROL, ALICE)),
    gated(
        "followers: judged now", ("followers",), False, follow(CAROL, ALICE), block(CAROL, ALICE, 1)
    ),
    gated("followed: carol is not", ("followed",), False, follow(CAROL, ALICE)),
    gated("followed: carol is", ("followed",), True, follow(ALICE, CAROL)),
    gated("a list: carol is on it", (f"list:{FRIENDS}",), True, *listed(ALICE, CAROL)),
    gated("a list: carol is not", (f"list:{FRIENDS}",), False, *listed(ALICE, BOB)),
    gated("a list: somebody else's", (f"list:{FRIENDS}",), False, *listed(DAVE, CAROL)),
    Case(23, "a list: somebody else's, who has a root of her own beside it",
         (post(FIRST, ALICE, reply_gate=(f"list:{FRIENDS}",)), reply(SECOND, CAROL, FIRST),
          post(THIRD, DAVE, reply_gate=(f"list:{FRIENDS}",)), reply(FOURTH, CAROL, THIRD),
          *listed(DAVE, CAROL), follow(BOB, CAROL, replies="all")), Home(BOB), [FOURTH]),
    gated("one of several is enough", ("mentioned", "followed"), True, follow(ALICE, CAROL)),
    gated("opened again by an edit", (), True, edit(FIRST, ALICE, reply_gate=None)),
    Case(23, "the author always",
         (NOBODY, OF_ALICE), Thread(BOB, FIRST), [(FIRST, 0, None, 0), (FOURTH, 1, None, 0)]),
    Case(23, "what is below goes with it",
         (*AGAINST, reply(FOURTH, ALICE, SECOND)), Thread(BOB, FIRST), LEAF),
    Case(23, "it is in no thread of the root", AGAINST, Thread(BOB, SECOND), None),
    Case(23, "nor is what is below it", (*AGAINST, OF_ALICE), Thread(CAROL, THIRD), None),
    Case(23, "the root's gate holds at every depth", DEEP, Thread(BOB, FIRST), ALL[:2]),
    Case(23, "also of a root that is only claimed", (NOBODY, ORPHAN), Thread(BOB, FIRST), LEAF),
    Case(23, "also of a deleted root",
         (NOBODY, ANSWER, OF_ALICE, delete(FIRST, ALICE)),
         Thread(BOB, FIRST), [(FIRST, 0, "deleted", 0), (FOURTH, 1, None, 0)]),
    Case(22, "a reply against the gate keeps no deleted post",
         (NOBODY, ANSWER, delete(FIRST, ALICE)), Thread(BOB, FIRST), None),
    Case(23, "it is not in homes", (*AGAINST, FOLLOWS), Explained(BOB, SECOND), (False, 23)),
    Case(23, "nor through reposts", (*AGAINST, RETOLD), Home(BOB), []),
    Case(23, "each reply below is judged by itself there",
         (*AGAINST, reply(FOURTH, ALICE, SECOND), follow(BOB, ALICE, replies="all")),
         Home(BOB), [FOURTH, FIRST]),
    Case(23, "nor in lists", (*AGAINST, *listed(BOB, CAROL, ALICE)), Listed(BOB, FRIENDS), [FIRST]),
    Case(23, "nor in search",
         (NOBODY, reply(SECOND, CAROL, FIRST, "rain")), Found(BOB, "rain"), []),
    Case(23, "nor in a list of its author's own",
         (*AGAINST, *listed(CAROL, CAROL)), Listed(CAROL, FRIENDS), []),
    Case(23, "it stays on its author's page", AGAINST, Page(BOB, CAROL), [SECOND]),
    Case(23, "and in his own home", AGAINST, Home(CAROL), [SECOND]),
    Case(23, "it can be read by its id",
         (NOBODY, reply(SECOND, CAROL, FIRST, "rain")), Post(BOB, SECOND), "rain"),
    Case(23, "the gate of a reply says nothing",
         (ROOT, reply(SECOND, ALICE, FIRST, reply_gate=()), BELOW), Thread(BOB, FIRST), ALL),
]  # fmt: skip

THREADS = [*IN_THREADS, *GATES]
