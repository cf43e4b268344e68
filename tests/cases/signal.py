"""Rule 29: home in the order in which its owner may want to answer."""

from tests.cases.told import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    FIFTH,
    FIRST,
    FOURTH,
    SECOND,
    THIRD,
    Case,
    Ordered,
    block,
    days_old,
    delete,
    follow,
    post,
    reply,
)

FRIENDS = (follow(BOB, ALICE), follow(BOB, CAROL))
OF_BOB = post(FIRST, BOB, "does it rain?")
ASKED = post(FIRST, CAROL, "who comes along?")
LATER = post(THIRD, ALICE, "good morning")
GREETED = tuple(post(days_old(1, each), CAROL, "welcome!") for each in range(3))
AGAIN = [days_old(1, each) for each in range(3)]

SIGNAL = [
    Case(29, "of two posts alike the newer one stands first",
         (*FRIENDS, ASKED, LATER), Ordered(BOB), [THIRD, FIRST]),
    Case(29, "what answers bob stands before what is newer; his own comes last",
         (*FRIENDS, OF_BOB, reply(SECOND, CAROL, FIRST, "it does"), LATER), Ordered(BOB),
         [SECOND, THIRD, FIRST]),
    Case(29, "what bob has answered stands behind",
         (*FRIENDS, ASKED, LATER, reply(FOURTH, BOB, FIRST)), Ordered(BOB),
         [THIRD, FIRST, FOURTH]),
    Case(29, "until his answer is deleted",
         (*FRIENDS, ASKED, LATER, reply(FOURTH, BOB, FIRST), delete(FOURTH, BOB)), Ordered(BOB),
         [THIRD, FIRST]),
    Case(29, "help goes where nobody has helped",
         (*FRIENDS, post(SECOND, CAROL, "who comes along?"), LATER,
          reply(FOURTH, DAVE, THIRD, "you too")), Ordered(BOB), [SECOND, THIRD]),
    Case(29, "an answer that bob may not see is none",
         (*FRIENDS, post(SECOND, CAROL, "who comes along?"), LATER,
          reply(FOURTH, DAVE, THIRD, "you too"), block(DAVE, BOB)), Ordered(BOB),
         [THIRD, SECOND]),
    Case(29, "three equal texts are one, said again: the newest stands for the others",
         (*FRIENDS, *GREETED, post(days_old(2), ALICE, "who comes along?")), Ordered(BOB),
         [AGAIN[2], days_old(2), AGAIN[1], AGAIN[0]]),
    Case(29, "two are not",
         (*FRIENDS, *GREETED[:2], post(days_old(2), ALICE, "who comes along?")), Ordered(BOB),
         [AGAIN[1], AGAIN[0], days_old(2)]),
    Case(29, "what is not in home is not in signal",
         (*FRIENDS, ASKED, LATER, post(FIFTH, DAVE), delete(THIRD, ALICE)), Ordered(BOB), [FIRST]),
]  # fmt: skip
