"""Rule 32: what a quote shows of the post that it quotes, and who quoted a post."""

from typing import Any

from schemas.ids import post_time
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
    Entry,
    Explained,
    Found,
    Home,
    Listed,
    Quoted,
    Quotes,
    Tagged,
    Thread,
    block,
    delete,
    detach,
    edit,
    follow,
    keyword,
    listed,
    mute,
    post,
    quote,
    reply,
    repost,
)

FOLLOWS = follow(BOB, ALICE)
OF_CAROL = post(FIRST, CAROL, "a cat")
QUOTE = quote(SECOND, ALICE, FIRST, "look")
BOTH = (OF_CAROL, QUOTE, FOLLOWS)
WHOLE = ("a cat", None, False)


def stands(claim: str, placeholder: str, *more: Any, asked: Any = None) -> Case:
    """What stands for carol's post in alice's quote, as bob sees it in his home."""
    ask = asked or Quoted(BOB, SECOND)
    return Case(32, claim, (*BOTH, *more), ask, (None, placeholder, False))


SHOWN = [
    Case(32, "a quote shows what it quotes", BOTH, Quoted(BOB, SECOND), WHOLE),
    Case(32, "a quote is a post, no repost: both have a place", BOTH, Home(BOB), [SECOND]),
    Case(32, "its text is its author's", BOTH, Entry(BOB, SECOND), ([], "follow", ALICE, None)),
    Case(
        32,
        "an edit of what is quoted shows",
        (*BOTH, edit(FIRST, CAROL, text="a dog")),
        Quoted(BOB, SECOND),
        ("a dog", None, False),
    ),
    Case(
        32,
        "what is known late is quoted late",
        (QUOTE, FOLLOWS),
        Quoted(BOB, SECOND),
        (None, "missing", False),
    ),
    Case(32, "nobody in particular sees it too", BOTH, Quoted(None, SECOND, False), WHOLE),
    Case(
        32,
        "a quote of a quote is a link",
        (OF_CAROL, QUOTE, quote(THIRD, ALICE, SECOND), FOLLOWS),
        Quoted(BOB, THIRD),
        ("look", None, True),
    ),
    Case(
        32,
        "a post may quote itself, one level deep",
        (quote(FIRST, ALICE, FIRST, "me"), FOLLOWS),
        Quoted(BOB, FIRST),
        ("me", None, True),
    ),
    Case(
        32,
        "a repost of a quote shows what the quote quotes",
        (OF_CAROL, quote(SECOND, DAVE, FIRST), repost(THIRD, ALICE, SECOND), FOLLOWS),
        Quoted(BOB, THIRD),
        WHOLE,
    ),
    Case(
        32,
        "what a repost says that it quotes is ignored, as its text is",
        (OF_CAROL, post(SECOND, DAVE), repost(THIRD, ALICE, SECOND, quote_of=FIRST), FOLLOWS),
        Quoted(BOB, THIRD),
        None,
    ),
    Case(
        32,
        "a repost that is quoted shows its original",
        (OF_CAROL, repost(SECOND, DAVE, FIRST), quote(THIRD, ALICE, SECOND), FOLLOWS),
        Quoted(BOB, THIRD),
        WHOLE,
    ),
    Case(
        32,
        "a reply may quote, in home and in its thread",
        (OF_CAROL, post(SECOND, ALICE), reply(THIRD, ALICE, SECOND, quote_of=FIRST), FOLLOWS),
        Quoted(BOB, THIRD),
        WHOLE,
    ),
    Case(
        32,
        "a reply that is quoted is in the thread of what it answers alone",
        (post(FIRST, CAROL), reply(SECOND, DAVE, FIRST), quote(THIRD, ALICE, SECOND)),
        Thread(BOB, THIRD),
        [(THIRD, 0, None, 0)],
    ),
]
HIDDEN = [
    stands("a deleted post is `deleted`", "deleted", delete(FIRST, CAROL)),
    stands(
        "a suspended author's post is `deleted`",
        "deleted",
        AccountSuspended(version=SAID, owner_id=CAROL),
    ),
    stands("a post by somebody whom the viewer blocks", "blocked", block(BOB, CAROL)),
    stands("a post by somebody who blocks the viewer", "blocked", block(CAROL, BOB)),
    Case(
        32,
        "a block between the two authors is no matter of the viewer's",
        (*BOTH, block(CAROL, ALICE)),
        Quoted(BOB, SECOND),
        WHOLE,
    ),
    stands("a post by somebody whom the viewer mutes", "muted", mute(BOB, CAROL)),
    Case(
        32,
        "a mute of reposts does not concern quotes",
        (*BOTH, mute(BOB, CAROL, scope="reposts")),
        Quoted(BOB, SECOND),
        WHOLE,
    ),
    stands("words that the viewer mutes", "muted", keyword(BOB, "cat")),
    Case(
        32,
        "the quote itself stays where what it quotes is muted",
        (*BOTH, keyword(BOB, "cat")),
        Explained(BOB, SECOND),
        (True, 2),
    ),
    Case(
        32,
        "words that are muted elsewhere",
        (*BOTH, keyword(BOB, "cat", contexts=("threads",))),
        Quoted(BOB, SECOND),
        WHOLE,
    ),
    Case(
        32,
        "what is asked for by its id ignores mutes, also in what it quotes",
        (*BOTH, mute(BOB, CAROL), keyword(BOB, "cat")),
        Quoted(BOB, SECOND, False),
        WHOLE,
    ),
    stands("and never blocks", "blocked", block(BOB, CAROL), asked=Quoted(BOB, SECOND, False)),
    Case(
        32,
        "the viewer's own words are never muted",
        (post(FIRST, BOB, "a cat"), QUOTE, FOLLOWS, keyword(BOB, "cat")),
        Quoted(BOB, SECOND),
        WHOLE,
    ),
    stands(
        "a post of an audience without the viewer is `missing`",
        "missing",
        edit(FIRST, CAROL, visibility="followers"),
    ),
    Case(
        32,
        "one of an audience with them is shown",
        (*BOTH, edit(FIRST, CAROL, visibility="followers"), follow(BOB, CAROL)),
        Quoted(BOB, SECOND),
        WHOLE,
    ),
    Case(
        32,
        "of a repost whose original may not be seen",
        (
            post(FIRST, CAROL, visibility="direct"),
            repost(SECOND, DAVE, FIRST),
            quote(THIRD, ALICE, SECOND),
            FOLLOWS,
        ),
        Quoted(BOB, THIRD),
        (None, "missing", False),
    ),
]
DETACHED = [
    stands("the quoted author detaches it", "missing", detach(SECOND, CAROL)),
    stands(
        "a detachment counts also when the post is deleted",
        "missing",
        detach(SECOND, CAROL),
        delete(FIRST, CAROL),
    ),
    Case(
        32,
        "nobody else detaches it",
        (*BOTH, detach(SECOND, ALICE), detach(SECOND, DAVE)),
        Quoted(BOB, SECOND),
        WHOLE,
    ),
    Case(
        32,
        "the author of the original detaches a repost",
        (
            OF_CAROL,
            repost(SECOND, DAVE, FIRST),
            quote(THIRD, ALICE, SECOND),
            detach(THIRD, CAROL),
            FOLLOWS,
        ),
        Quoted(BOB, THIRD),
        (None, "missing", False),
    ),
    Case(32, "the quote stays a post", (*BOTH, detach(SECOND, CAROL)), Home(BOB), [SECOND]),
    Case(
        32,
        "one detached quote says nothing of another",
        (*BOTH, quote(THIRD, ALICE, FIRST), detach(SECOND, CAROL)),
        Quoted(BOB, THIRD),
        WHOLE,
    ),
]
LISTINGS = [
    Case(
        32,
        "who quoted a post, newest first",
        (*BOTH, quote(THIRD, DAVE, FIRST), reply(FOURTH, CAROL, SECOND, quote_of=FIRST)),
        Quotes(None, FIRST),
        [FOURTH, THIRD, SECOND],
    ),
    Case(32, "not what was taken out", (*BOTH, detach(SECOND, CAROL)), Quotes(BOB, FIRST), []),
    Case(32, "nor what was deleted", (*BOTH, delete(SECOND, ALICE)), Quotes(BOB, FIRST), []),
    Case(32, "nor by people who are muted", (*BOTH, mute(BOB, ALICE)), Quotes(BOB, FIRST), []),
    Case(32, "nor by people who are blocked", (*BOTH, block(ALICE, BOB)), Quotes(BOB, FIRST), []),
    Case(
        32,
        "nor for an audience without the viewer",
        (OF_CAROL, quote(SECOND, ALICE, FIRST, visibility="followers")),
        Quotes(BOB, FIRST),
        [],
    ),
    Case(
        32,
        "what is not public is there for its audience",
        (OF_CAROL, quote(SECOND, ALICE, FIRST, visibility="followers"), FOLLOWS),
        Quotes(BOB, FIRST),
        [SECOND],
    ),
    Case(
        32,
        "nor a reply against its gate",
        (
            OF_CAROL,
            post(SECOND, CAROL, reply_gate=()),
            reply(THIRD, ALICE, SECOND, quote_of=FIRST),
        ),
        Quotes(BOB, FIRST),
        [],
    ),
    Case(
        32,
        "reposts of quotes are no quotes",
        (*BOTH, repost(THIRD, DAVE, SECOND, quote_of=FIRST)),
        Quotes(BOB, FIRST),
        [SECOND],
    ),
    Case(
        32,
        "an earlier claim of the id quotes something else",
        (
            OF_CAROL,
            post(SECOND, DAVE),
            quote(SECOND, ALICE, FIRST, version=post_time(SECOND) * 1_000 + 1),
        ),
        Quotes(BOB, FIRST),
        [],
    ),
    Case(32, "quotes of an unknown post", (QUOTE, FOLLOWS), Quotes(BOB, UNKNOWN), None),
    Case(
        32,
        "quotes of a post that the viewer may not see",
        (*BOTH, edit(FIRST, CAROL, visibility="direct")),
        Quotes(BOB, FIRST),
        None,
    ),
    Case(
        32,
        "a list shows quotes as home does",
        (*BOTH, *listed(BOB, ALICE)),
        Listed(BOB, FRIENDS),
        [SECOND],
    ),
    Case(
        32,
        "search finds a quote by its own words alone",
        BOTH,
        Found(BOB, "cat"),
        [FIRST],
    ),
    Case(
        32,
        "a tag timeline has quotes",
        (OF_CAROL, quote(FIFTH, ALICE, FIRST, tags=("rye",))),
        Tagged(BOB, ("rye",)),
        [FIFTH],
    ),
]
QUOTES = [*SHOWN, *HIDDEN, *DETACHED, *LISTINGS]
