"""Histories of what people say of each other, and of posts on which the rules about it bite.

Each strategy speaks of a rule or two, so that a property can take in one after the other:
`relation_facts` of everything at once, `whole_histories` everything together with posts.
"""

from collections.abc import Sequence
from itertools import product
from typing import Any

from hypothesis import strategies as st

from schemas.events import Creation, FollowCreated, PostCreated, PostEdited, ReplyCreated
from schemas.ids import DAY_MS, post_id, post_time
from schemas.relations import (
    AccountErased,
    AccountReinstated,
    AccountSuspended,
    BlockCreated,
    BlockDeleted,
    KeywordMuteCreated,
    KeywordMuteDeleted,
    ListCreated,
    ListDeleted,
    ListMemberAdded,
    ListMemberRemoved,
    MuteCreated,
    MuteDeleted,
    ReadMarked,
    RelationFact,
    SettingsChanged,
    TagFollowCreated,
    TagFollowDeleted,
    ThreadMuteCreated,
    ThreadMuteDeleted,
)
from tests.histories import NOW, PEOPLE, POSTS, READER, Fact, histories, offsets

LISTS = (7, 8)
KEYWORDS = (1, 2)
TAGS = ("jazz", "#Jazz", "b", "B", "\uff03\uff4aazz")
PHRASES = ("a", "A", "cat", "é", "a cat", "猫", "\U0001f408", "++")
TEXTS = (
    *("a", "cats", "A cat!", "concat", 'É"', "one two", "one two three", ""),
    *("\uff23\uff41\uff54 c++", "e\u0301", "黒猫と白猫", "猫 \U0001f408", "แมว", "c\u00adat"),
)
LINK = "https://mingle.example/"
LINKS = (LINK, LINK + "a")
GATES: tuple[tuple[str, ...] | None, ...] = (
    None,
    (),
    ("mentioned",),
    ("followers",),
    ("followed",),
    ("list:7",),
    ("list:8", "mentioned"),
)
EXPIRIES = tuple(NOW * 1_000 + offset for offset in (-1, 0, 1, 2_000_000))

ORIGINAL = NOW - 3 * DAY_MS
WINDOW_TIMES = tuple(
    ORIGINAL + day * DAY_MS + beside for day, beside in product((0, 1, 2), (-1, 0, 1))
)
WINDOW_POSTS = tuple(post_id(time, place) for place, time in enumerate(WINDOW_TIMES))
"""Around the edges of the windows of the second; the first is dated before it."""

owners = st.sampled_from((*PEOPLE, READER, READER))
people = st.sampled_from(PEOPLE)
never_or = st.none() | st.sampled_from(EXPIRIES)
maybe = st.sampled_from((None, True, False))


@st.composite
def stamped(draw: st.DrawFn) -> dict[str, Any]:
    """Whose word it is, and when: versions meet, among them and with those of follow edges."""
    return {"version": NOW * 1_000 + draw(offsets), "owner_id": draw(owners)}


@st.composite
def between_two(draw: st.DrawFn) -> dict[str, Any]:
    said = draw(stamped())
    others = [each for each in (*PEOPLE, READER) if each != said["owner_id"]]
    return said | {"target_id": draw(st.sampled_from(others))}


@st.composite
def blocks(draw: st.DrawFn) -> RelationFact:
    """Rule 6."""
    made: Any = draw(st.sampled_from((BlockCreated, BlockCreated, BlockDeleted)))
    return made(**draw(between_two()))


@st.composite
def mutes(draw: st.DrawFn) -> RelationFact:
    """Rule 6: of people, for a time or for ever."""
    about = draw(between_two())
    if draw(st.integers(0, 3)) == 0:
        return MuteDeleted(**about)
    scope = draw(st.sampled_from((None, "all", "reposts")))
    return MuteCreated(**about, scope=scope, expires_at=draw(never_or))


@st.composite
def keyword_mutes(draw: st.DrawFn) -> RelationFact:
    """Rule 7."""
    about = draw(stamped()) | {"keyword_id": draw(st.sampled_from(KEYWORDS))}
    if draw(st.integers(0, 3)) == 0:
        return KeywordMuteDeleted(**about)
    contexts = st.sampled_from(((), ("home",), ("threads",), ("mentions", "home"), None))
    return KeywordMuteCreated(
        **about,
        phrase=draw(st.sampled_from(PHRASES)),
        whole_word=draw(maybe),
        contexts=draw(contexts),
        action=draw(st.sampled_from((None, "hide", "warn"))),
        expires_at=draw(never_or),
    )


@st.composite
def lists(draw: st.DrawFn) -> RelationFact:
    """Rule 16: two ids, which several may claim."""
    about = draw(stamped()) | {"list_id": draw(st.sampled_from(LISTS))}
    kind = draw(st.sampled_from(("list", "list", "gone", "member", "member", "member", "left")))
    if kind == "list":
        replies = draw(st.sampled_from((None, "none", "list", "followed")))
        return ListCreated(**about, replies=replies, exclusive=draw(maybe), reposts=draw(maybe))
    if kind == "gone":
        return ListDeleted(**about)
    made = ListMemberAdded if kind == "member" else ListMemberRemoved
    return made(**about, member_id=draw(people))


@st.composite
def tag_follows(draw: st.DrawFn) -> RelationFact:
    """Rule 17: tags that differ in nothing that matters."""
    kinds = (TagFollowCreated, TagFollowCreated, TagFollowDeleted)
    made: Any = draw(st.sampled_from(kinds))
    return made(**draw(stamped()), tag=draw(st.sampled_from(TAGS)))


@st.composite
def accounts(draw: st.DrawFn) -> RelationFact:
    """Rule 10: mostly of those who write."""
    kinds = (AccountSuspended, AccountSuspended, AccountReinstated, AccountErased)
    made: Any = draw(st.sampled_from(kinds))
    return made(version=NOW * 1_000 + draw(offsets), owner_id=draw(people))


@st.composite
def settings_facts(draw: st.DrawFn) -> RelationFact:
    """Rule 7: bare links in all of home."""
    return SettingsChanged(**draw(stamped()), bare_links=draw(maybe))


@st.composite
def thread_mutes(draw: st.DrawFn) -> RelationFact:
    """Rule 25."""
    about = draw(stamped()) | {"root_id": draw(st.sampled_from(POSTS))}
    if draw(st.integers(0, 2)) == 0:
        return ThreadMuteDeleted(**about)
    return ThreadMuteCreated(**about, everywhere=draw(maybe))


@st.composite
def read_marks(draw: st.DrawFn) -> RelationFact:
    """Rule 25."""
    post = draw(st.sampled_from(POSTS))
    what = draw(st.sampled_from(("home", f"conversation:{post}", f"unanswered:{post}")))
    return ReadMarked(**draw(stamped()), what=what, up_to=draw(st.sampled_from(POSTS)))


relation_facts = st.one_of(
    blocks(),
    mutes(),
    keyword_mutes(),
    lists(),
    tag_follows(),
    accounts(),
    settings_facts(),
    thread_mutes(),
    read_marks(),
)
"""One fact of the topic `relations`."""


@st.composite
def choosy_follows(draw: st.DrawFn) -> FollowCreated:
    """Rule 7: edges that speak of languages and of bare links."""
    return FollowCreated(
        version=NOW * 1_000 + draw(offsets),
        follower_id=draw(owners),
        followee_id=draw(people),
        replies=draw(st.sampled_from((None, "all", "none"))),
        reposts=draw(maybe),
        bare_links=draw(maybe),
        languages=draw(st.sampled_from((None, (), ("en",), ("de", "en"), ("EN-us",)))),
    )


def wordy(draw: st.DrawFn) -> dict[str, Any]:
    """Rules 7 and 17: texts in languages, with links and tags."""
    links = draw(st.sampled_from(((), (LINK,), LINKS)))
    text = draw(st.sampled_from(TEXTS))
    return {
        "text": " ".join([text, *links]),
        "lang": draw(st.sampled_from((None, "en", "de", "en-US", "und"))),
        "links": links,
        "tags": draw(st.sampled_from(((), ("Jazz",), ("#b", "c"), ("jazz", "JAZZ")))),
        "mentions": draw(st.sampled_from(((), (), (1,), (2, READER)))),
        "visibility": draw(st.sampled_from((None, None, None, "unlisted", "followers"))),
    }


@st.composite
def wordy_histories(draw: st.DrawFn) -> list[Fact]:
    """Posts, replies and reposts with words; some are edited into others."""
    facts: list[Fact] = []
    for place in sorted(draw(st.sets(st.integers(0, len(POSTS) - 1), min_size=3, max_size=7))):
        post = POSTS[place]
        whose = {"version": post_time(post) * 1_000, "post_id": post, "author_id": draw(people)}
        other = draw(st.sampled_from(POSTS))
        kind = draw(st.sampled_from(("post", "post", "reply", "repost", "edited")))
        if kind == "repost":
            facts.append(PostCreated(**whose, repost_of=other))
        elif kind == "reply":
            facts.append(ReplyCreated(**whose, **wordy(draw), parent_id=other))
        else:
            quoted = draw(st.sampled_from((None, other)))
            facts.append(PostCreated(**whose, **wordy(draw), quote_of=quoted))
        if kind == "edited":
            facts.append(PostEdited(**whose | {"version": whose["version"] + 1}, **wordy(draw)))
    return facts + draw(st.lists(choosy_follows(), max_size=6))


@st.composite
def window_histories(draw: st.DrawFn) -> list[Fact]:
    """Rule 4: reposts, and reposts of reposts, at the edges of the windows of an original."""
    original = WINDOW_POSTS[1]
    facts: list[Fact] = list(draw(st.lists(choosy_follows(), min_size=2)))
    for post in draw(st.permutations(WINDOW_POSTS)):
        whose = {"version": post_time(post) * 1_000, "post_id": post, "author_id": draw(people)}
        if post == original:
            facts.append(PostCreated(**whose, **wordy(draw)))
        elif draw(st.booleans()):
            what = draw(st.sampled_from((original, original, *WINDOW_POSTS)))
            facts.append(PostCreated(**whose, repost_of=what))
    return facts


@st.composite
def moving_reposts(draw: st.DrawFn) -> list[Fact]:
    """Rule 4: ids that several claim, as posts and as reposts, so that lines get other ends."""
    few = WINDOW_POSTS[:5]
    facts: list[Fact] = list(draw(st.lists(choosy_follows(), min_size=4, max_size=8)))
    for _ in range(draw(st.integers(4, 12))):
        post = draw(st.sampled_from(few))
        version = post_time(post) * 1_000 + draw(offsets)
        said = {"version": version, "post_id": post, "author_id": draw(people)}
        facts.append(PostCreated(**said, repost_of=draw(st.sampled_from((None, *few, *few[2:])))))
    return facts


@st.composite
def gated_conversations(draw: st.DrawFn) -> list[Fact]:
    """Rule 23: a root that admits some, replies in lines, and who follows or is listed."""
    few = POSTS[-6:]
    made: list[Creation] = []
    for place, post in enumerate(few):
        whose = {"version": post_time(post) * 1_000, "post_id": post, "author_id": draw(people)}
        if place == 0:
            gate, named = draw(st.sampled_from(GATES)), draw(st.sampled_from(((), (1, 2))))
            made.append(PostCreated(**whose, reply_gate=gate, mentions=named))
        else:
            parent = draw(st.sampled_from(few[:place]))
            made.append(ReplyCreated(**whose, parent_id=parent, root_id=few[0]))
    later = [
        PostEdited(
            version=each.version + 1,
            post_id=each.post_id,
            author_id=each.author_id,
            reply_gate=draw(st.sampled_from(GATES)),
        )
        for each in made[:1]
        if draw(st.booleans())
    ]
    relations = draw(st.lists(lists() | blocks() | choosy_follows(), max_size=8))
    return [*made, *later, *relations]


@st.composite
def peopled_histories(draw: st.DrawFn) -> list[Fact]:
    """Posts with words and gates, and all that decides on them but windows."""
    posts: Sequence[Fact] = draw(histories() | wordy_histories() | gated_conversations())
    said = st.one_of(
        blocks(),
        mutes(),
        keyword_mutes(),
        lists(),
        tag_follows(),
        accounts(),
        settings_facts(),
        thread_mutes(),
    )
    return [
        *posts,
        *draw(st.lists(choosy_follows(), max_size=4)),
        *draw(st.lists(said, max_size=8)),
    ]


@st.composite
def whole_histories(draw: st.DrawFn) -> list[Fact]:
    """Every kind of fact together."""
    posts: Sequence[Fact] = draw(
        histories() | wordy_histories() | window_histories() | gated_conversations()
    )
    edges = draw(st.lists(choosy_follows(), max_size=4))
    return [*posts, *edges, *draw(st.lists(relation_facts, max_size=12))]
