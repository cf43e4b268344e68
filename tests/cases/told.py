"""How a case is told: a short history, a question, and the answer that a rule gives."""

from typing import Any, Literal, NamedTuple, TypeAlias

from schemas.events import (
    FollowCreated,
    FollowDeleted,
    FollowFact,
    PostCreated,
    PostDeleted,
    PostEdited,
    PostFact,
    QuoteDetached,
    ReplyCreated,
)
from schemas.ids import DAY_MS, PostId, post_id, post_time
from schemas.relations import (
    BlockCreated,
    BlockDeleted,
    KeywordMuteCreated,
    ListCreated,
    ListMemberAdded,
    MuteCreated,
    ReadMarked,
    RelationFact,
    TagFollowCreated,
    ThreadMuteCreated,
)

Fact: TypeAlias = PostFact | FollowFact | RelationFact

ALICE, BOB, CAROL, DAVE = 1, 2, 3, 4
NAMES = {ALICE: "alice", BOB: "bob", CAROL: "carol", DAVE: "dave", None: "nobody in particular"}
NOW = 1_760_000_000_000
SAID = NOW * 1_000 - 3_600_000_000
"""When people say things of each other, in microseconds: an hour ago."""
FRIENDS, WORK = 7, 8
"""Lists."""


def days_old(days: float, number: int = 0) -> PostId:
    """The id of a post of that age; `number` tells apart those of one moment."""
    return post_id(NOW - round(days * DAY_MS), number)


FIRST, SECOND, THIRD, FOURTH, FIFTH = (days_old((5 - hour) / 24) for hour in range(5))
"""Each an hour after the one before, the last an hour ago."""
UNKNOWN = days_old(1, 99)


class Home(NamedTuple):
    """The ids in a home timeline, newest first."""

    viewer: int


class Entry(NamedTuple):
    """(who reposted it, kind of reason, through whom, warning) of an item in home, or None."""

    viewer: int
    post: int


class Explained(NamedTuple):
    """(shown, rule), or None for 404."""

    viewer: int
    post: int


class Thread(NamedTuple):
    """(post, depth, placeholder, hidden) of each place in a thread, or None for 404."""

    viewer: int | None
    post: int


class Post(NamedTuple):
    """The text of a single post, or None for 404."""

    viewer: int | None
    post: int


class Page(NamedTuple):
    """The ids on an author's page."""

    viewer: int | None
    author: int
    replies: Literal["all", "none", "only"] = "all"


class Listed(NamedTuple):
    """The ids in a list's timeline, or None for 404."""

    viewer: int
    list_id: int


class Tagged(NamedTuple):
    """The ids in a tag timeline; `any_of` has the tag of the path."""

    viewer: int | None
    any_of: tuple[str, ...]
    all_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()


class Found(NamedTuple):
    """The ids that a search finds, by words and by these filters of the model's `search`."""

    viewer: int | None
    text: str = ""
    by: tuple[tuple[str, Any], ...] = ()


class Quotes(NamedTuple):
    """The ids of the quotes of a post, or None for 404."""

    viewer: int | None
    post: int


class Quoted(NamedTuple):
    """(text, placeholder, whether it quotes) of what a post quotes: in home, or as it is asked for.

    None where it quotes nothing.
    """

    viewer: int | None
    post: int
    in_home: bool = True


class Mentioned(NamedTuple):
    """(post, why) of each of the viewer's mentions, newest first."""

    viewer: int


class Waiting(NamedTuple):
    """The ids of what waits for the viewer's answer, newest first."""

    viewer: int


class Talks(NamedTuple):
    """(root, new posts, participants) of each of the viewer's conversations, by last activity."""

    viewer: int


class CaughtUp(NamedTuple):
    """What is new in a home since its mark.

    (root, posts, participants) of conversations, the best first; (author, count) of broadcasts.
    """

    viewer: int


class Around(NamedTuple):
    """Conversants: (user, whether to follow, why, people in common)."""

    viewer: int


class Ordered(NamedTuple):
    """The ids in signal, in its order."""

    viewer: int


Ask: TypeAlias = (
    Home
    | Entry
    | Explained
    | Thread
    | Post
    | Page
    | Listed
    | Tagged
    | Found
    | Quotes
    | Quoted
    | Mentioned
    | Waiting
    | Talks
    | CaughtUp
    | Around
    | Ordered
)


class Case(NamedTuple):
    """`retention` is in days, 0 is for ever."""

    rule: int
    claim: str
    log: tuple[Fact, ...]
    ask: Ask
    answer: Any
    retention: int = 0


def post(which: int, by: int, text: str = "", **fields: Any) -> PostFact:
    """A post, a reply where it has a parent, a repost where it has an original."""
    kind = ReplyCreated if "parent_id" in fields else PostCreated
    whose = {"version": post_time(which) * 1_000, "post_id": which, "author_id": by}
    return kind(**whose | {"text": text} | fields)


def reply(which: int, by: int, to: int, text: str = "", **fields: Any) -> PostFact:
    return post(which, by, text, parent_id=to, **fields)


def repost(which: int, by: int, of: int, **fields: Any) -> PostFact:
    return post(which, by, repost_of=of, **fields)


def quote(which: int, by: int, of: int, text: str = "", **fields: Any) -> PostFact:
    return post(which, by, text, quote_of=of, **fields)


def detach(which: int, by: int) -> PostFact:
    """At once, before anything else is said of the quote."""
    return QuoteDetached(version=0, post_id=which, author_id=by)


def edit(which: int, by: int, at: int = 1, **fields: Any) -> PostFact:
    """So many microseconds after its creation."""
    version = post_time(which) * 1_000 + at
    return PostEdited(version=version, post_id=which, author_id=by, **fields)


def delete(which: int, by: int) -> PostFact:
    return PostDeleted(version=SAID, post_id=which, author_id=by)


def follow(by: int, whom: int, at: int = 0, **options: Any) -> FollowFact:
    return FollowCreated(version=SAID + at, follower_id=by, followee_id=whom, **options)


def unfollow(by: int, whom: int, at: int = 0) -> FollowFact:
    return FollowDeleted(version=SAID + at, follower_id=by, followee_id=whom)


def block(by: int, whom: int, at: int = 0) -> RelationFact:
    return BlockCreated(version=SAID + at, owner_id=by, target_id=whom)


def unblock(by: int, whom: int, at: int = 0) -> RelationFact:
    return BlockDeleted(version=SAID + at, owner_id=by, target_id=whom)


def mute(by: int, whom: int, at: int = 0, **options: Any) -> RelationFact:
    return MuteCreated(version=SAID + at, owner_id=by, target_id=whom, **options)


def keyword(by: int, phrase: str, number: int = 1, **options: Any) -> RelationFact:
    said = {"version": SAID, "owner_id": by, "keyword_id": number, "phrase": phrase}
    return KeywordMuteCreated(**said | options)


def listed(by: int, *members: int, list_id: int = FRIENDS, **options: Any) -> tuple[Fact, ...]:
    """A list and its members."""
    whose = {"version": SAID, "owner_id": by, "list_id": list_id}
    added = (ListMemberAdded(**whose, member_id=each) for each in members)
    return ListCreated(**whose | options), *added


def mute_thread(by: int, root: int, at: int = 0, **options: Any) -> RelationFact:
    return ThreadMuteCreated(version=SAID + at, owner_id=by, root_id=root, **options)


def set_aside(by: int, which: int) -> RelationFact:
    return ReadMarked(version=SAID, owner_id=by, what=f"unanswered:{which}", up_to=which)


def read_home(by: int, up_to: int) -> RelationFact:
    return ReadMarked(version=SAID, owner_id=by, what="home", up_to=up_to)


def read_thread(by: int, root: int, up_to: int) -> RelationFact:
    return ReadMarked(version=SAID, owner_id=by, what=f"conversation:{root}", up_to=up_to)


def follow_tag(by: int, tag: str) -> RelationFact:
    return TagFollowCreated(version=SAID, owner_id=by, tag=tag)
