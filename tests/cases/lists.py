"""Rules 16 to 18: lists, followed tags, tag timelines, search."""

from typing import Any

from schemas.ids import post_time
from schemas.relations import ListCreated, ListDeleted, ListMemberRemoved, TagFollowDeleted
from tests.cases.told import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    FIFTH,
    FIRST,
    FOURTH,
    FRIENDS,
    NAMES,
    SAID,
    SECOND,
    THIRD,
    Case,
    Entry,
    Explained,
    Found,
    Home,
    Listed,
    Page,
    Tagged,
    block,
    days_old,
    delete,
    follow,
    follow_tag,
    listed,
    mute,
    post,
    reply,
    repost,
)

LATER = post_time(FIRST) * 1_000 + 1
OF_ALICE, OF_CAROL, OF_DAVE, OF_BOB = (post(FIRST, by) for by in (ALICE, CAROL, DAVE, BOB))
FOLLOWS = follow(BOB, ALICE)
ON_LIST = listed(BOB, ALICE)
WHOSE: dict[str, Any] = {"owner_id": BOB, "list_id": FRIENDS}
GONE = ListDeleted(version=SAID + 1, **WHOSE)
BACK = ListCreated(version=SAID + 2, **WHOSE)
LEFT = ListMemberRemoved(version=SAID, **WHOSE, member_id=ALICE)
CLAIMED = ListCreated(version=SAID - 1, list_id=FRIENDS, owner_id=CAROL)
ANSWER = reply(SECOND, ALICE, FIRST)


def answers(replies: str | None, to: int, shown: bool, *more: Any) -> Case:
    """Whether alice's reply is in bob's list of alice and carol."""
    whom = NAMES[to] + ", who is followed" * bool(more)
    claim = f"{replies or 'by default'}: a reply to {whom}, {'stays' if shown else 'is left out'}"
    told = (post(FIRST, to), ANSWER, *listed(BOB, ALICE, CAROL, replies=replies), *more)
    above = [FIRST] if to in (ALICE, CAROL) else []
    return Case(16, claim, told, Listed(BOB, FRIENDS), [SECOND] * shown + above)


LISTS = [
    Case(16, "members' posts, followed or not",
         (OF_ALICE, *ON_LIST), Listed(BOB, FRIENDS), [FIRST]),
    Case(16, "no list brings anything into home", (OF_ALICE, *ON_LIST), Home(BOB), []),
    Case(16, "members' reposts",
         (OF_DAVE, repost(SECOND, ALICE, FIRST), *ON_LIST), Listed(BOB, FRIENDS), [SECOND]),
    Case(16, "a list may take no reposts",
         (OF_DAVE, repost(SECOND, ALICE, FIRST), post(THIRD, ALICE),
          *listed(BOB, ALICE, reposts=False)), Listed(BOB, FRIENDS), [THIRD]),
    Case(16, "nor those of its owner, who is a member",
         (OF_DAVE, repost(SECOND, BOB, FIRST), *listed(BOB, BOB, reposts=False)),
         Listed(BOB, FRIENDS), []),
    Case(16, "home takes them, whatever a list says",
         (OF_DAVE, repost(SECOND, ALICE, FIRST), FOLLOWS, *listed(BOB, ALICE, reposts=False)),
         Home(BOB), [SECOND]),
    Case(16, "whoever is removed is no member",
         (OF_ALICE, *ON_LIST, LEFT), Listed(BOB, FRIENDS), []),
    Case(16, "only its owner reads it", (OF_ALICE, *ON_LIST), Listed(ALICE, FRIENDS), None),
    Case(16, "an unknown list", (OF_ALICE,), Listed(BOB, FRIENDS), None),
    Case(16, "a deleted list", (OF_ALICE, *ON_LIST, GONE), Listed(BOB, FRIENDS), None),
    Case(16, "created again it keeps its members",
         (OF_ALICE, *ON_LIST, GONE, BACK), Listed(BOB, FRIENDS), [FIRST]),
    Case(16, "its id is its first owner's",
         (OF_ALICE, *ON_LIST, CLAIMED), Listed(BOB, FRIENDS), None),
    Case(16, "and so it stays when he deletes it",
         (OF_ALICE, *ON_LIST, CLAIMED, ListDeleted(version=SAID, owner_id=CAROL, list_id=FRIENDS)),
         Listed(BOB, FRIENDS), None),
    Case(16, "nobody else adds members",
         (*listed(BOB), *listed(CAROL, ALICE)[1:], OF_ALICE), Listed(BOB, FRIENDS), []),
    Case(16, "of equal versions the lower owner has it",
         (OF_ALICE, *ON_LIST, *listed(CAROL, ALICE)), Listed(CAROL, FRIENDS), None),
    answers(None, CAROL, True),
    answers(None, DAVE, False),
    answers(None, BOB, True),
    answers("list", CAROL, True),
    answers("followed", CAROL, False),
    answers("followed", CAROL, True, follow(BOB, CAROL)),
    answers("followed", DAVE, True, follow(BOB, DAVE)),
    answers("none", CAROL, False),
    answers("none", BOB, True),
    answers("none", ALICE, True),
    Case(16, "retention bounds lists",
         (post(days_old(31), ALICE), *ON_LIST), Listed(BOB, FRIENDS), [], 30),
    Case(16, "mutes hold in lists",
         (OF_ALICE, *ON_LIST, mute(BOB, ALICE)), Listed(BOB, FRIENDS), []),
    Case(16, "blocks hold in lists",
         (OF_ALICE, *ON_LIST, block(ALICE, BOB)), Listed(BOB, FRIENDS), []),
]  # fmt: skip

ALONE = listed(BOB, ALICE, exclusive=True)
EXCLUSIVE = [
    Case(16, "a list that is not exclusive takes nothing",
         (OF_ALICE, FOLLOWS, *ON_LIST), Home(BOB), [FIRST]),
    Case(16, "an exclusive list takes members' posts out of home",
         (OF_ALICE, FOLLOWS, *ALONE), Explained(BOB, FIRST), (False, 16)),
    Case(16, "into its own timeline", (OF_ALICE, FOLLOWS, *ALONE), Listed(BOB, FRIENDS), [FIRST]),
    Case(16, "and members' reposts",
         (OF_DAVE, repost(SECOND, ALICE, FIRST), FOLLOWS, *ALONE), Home(BOB), []),
    Case(16, "not others' reposts of them",
         (OF_ALICE, repost(SECOND, CAROL, FIRST), FOLLOWS, follow(BOB, CAROL), *ALONE),
         Home(BOB), [SECOND]),
    Case(16, "a deleted one takes nothing", (OF_ALICE, FOLLOWS, *ALONE, GONE), Home(BOB), [FIRST]),
    Case(16, "nor somebody else's",
         (OF_ALICE, FOLLOWS, *listed(CAROL, ALICE, exclusive=True)), Home(BOB), [FIRST]),
    Case(16, "6 is before 16",
         (OF_ALICE, FOLLOWS, *ALONE, mute(BOB, ALICE)), Explained(BOB, FIRST), (False, 6)),
    Case(16, "16 is before no edge", (OF_ALICE, *ALONE), Explained(BOB, FIRST), (False, 16)),
]  # fmt: skip

JAZZ = post(SECOND, ALICE, "so", tags=("Jazz",))
LIKES = follow_tag(BOB, "jazz")
FOLLOWED_TAGS = [
    Case(17, "a followed tag brings public posts into home",
         (JAZZ, LIKES), Entry(BOB, SECOND), ([], "tag", ALICE, None)),
    Case(17, "by 17", (JAZZ, LIKES), Explained(BOB, SECOND), (True, 17)),
    Case(17, "case and # do not matter", (JAZZ, follow_tag(BOB, "#JAZZ")), Home(BOB), [SECOND]),
    Case(17, "replies too",
         (OF_CAROL, reply(SECOND, ALICE, FIRST, tags=("jazz",)), LIKES), Home(BOB), [SECOND]),
    Case(17, "whatever a follow edge says of replies",
         (OF_CAROL, reply(SECOND, ALICE, FIRST, tags=("jazz",)),
          LIKES, follow(BOB, ALICE, replies="none")), Home(BOB), [SECOND]),
    Case(17, "or of languages",
         (post(SECOND, ALICE, tags=("jazz",), lang="de"),
          LIKES, follow(BOB, ALICE, languages=("en",))), Home(BOB), [SECOND]),
    Case(17, "public ones only",
         (post(SECOND, ALICE, tags=("jazz",), visibility="unlisted"), LIKES), Home(BOB), []),
    Case(17, "not what is muted", (JAZZ, LIKES, mute(BOB, ALICE)), Home(BOB), []),
    Case(17, "within the retention",
         (post(days_old(31), ALICE, tags=("jazz",)), LIKES), Home(BOB), [], 30),
    Case(17, "after unfollowing it is gone",
         (JAZZ, LIKES, TagFollowDeleted(version=SAID, owner_id=BOB, tag="Jazz")), Home(BOB), []),
    Case(17, "but what is there for another reason",
         (JAZZ, LIKES, FOLLOWS, TagFollowDeleted(version=SAID, owner_id=BOB, tag="#jazz")),
         Home(BOB), [SECOND]),
]  # fmt: skip

PLAYED = (
    JAZZ,
    post(THIRD, ALICE, tags=("#jazz", "Live")),
    post(FOURTH, ALICE, tags=("blues", "live")),
    post(FIFTH, ALICE, tags=("jazz",), visibility="unlisted"),
)
TAG_TIMELINES = [
    Case(17, "a tag timeline: public only", PLAYED, Tagged(BOB, ("JAZZ",)), [THIRD, SECOND]),
    Case(17, "a tag timeline: any",
         PLAYED, Tagged(BOB, ("jazz", "#Blues")), [FOURTH, THIRD, SECOND]),
    Case(17, "a tag timeline: all",
         PLAYED, Tagged(None, ("jazz", "blues"), ("live",)), [FOURTH, THIRD]),
    Case(17, "a tag timeline: no reposts",
         (JAZZ, repost(THIRD, CAROL, SECOND, tags=("jazz",))), Tagged(BOB, ("jazz",)), [SECOND]),
    Case(17, "a tag timeline: none", PLAYED, Tagged(BOB, ("jazz",), (), ("live",)), [SECOND]),
    Case(17, "a tag timeline: blocks hold",
         (*PLAYED, block(ALICE, BOB)), Tagged(BOB, ("jazz",)), []),
    Case(17, "a tag timeline: no retention",
         (post(days_old(31), ALICE, tags=("jazz",)),), Tagged(BOB, ("jazz",)), [days_old(31)], 30),
]  # fmt: skip

SAYS = (
    post(FIRST, ALICE, "Rain in Oslo", tags=("weather",)),
    reply(SECOND, CAROL, FIRST, "No rain in Rome!"),
    post(THIRD, CAROL, "rain in secret", visibility="unlisted"),
    post(FOURTH, DAVE, "Oslo", visibility="followers"),
)
FAR = (
    post(FIRST, ALICE, "\u9ed2\u732b\u3068\u767d\u732b\u767d"),
    post(SECOND, ALICE, "cat \U0001f408"),
    post(THIRD, ALICE, "plus ++"),
    post(FOURTH, ALICE, "plus caf\u00e9"),
)
SEARCH = [
    Case(18, "by words", SAYS, Found(BOB, "rain"), [SECOND, FIRST]),
    Case(18, "by all of them", SAYS, Found(BOB, "oslo RAIN"), [FIRST]),
    Case(18, "over public posts", SAYS, Found(CAROL, "secret"), []),
    Case(18, "each of the words", SAYS, Found(BOB, "Oslo Rome"), []),
    Case(18, "nothing by another's claim of its id",
         (post(FIRST, ALICE, "rain", visibility="direct"), post(FIRST, BOB, "rain", version=LATER)),
         Found(CAROL, "rain"), []),
    Case(18, "by author", SAYS, Found(BOB, "rain", (("author", CAROL),)), [SECOND]),
    Case(18, "by tag", SAYS, Found(None, "", (("tag", "#Weather"),)), [FIRST]),
    Case(18, "by time", SAYS, Found(BOB, "", (("since", SECOND),)), [SECOND]),
    Case(18, "until a time", SAYS, Found(BOB, "", (("until", SECOND),)), [FIRST]),
    Case(18, "by conversation", SAYS, Found(BOB, "", (("conversation", FIRST),)), [SECOND, FIRST]),
    Case(18, "a run of a script without spaces", FAR, Found(BOB, "\u732b\u3068"), [FIRST]),
    Case(18, "only where its characters follow each other", FAR,
         Found(BOB, "\u9ed2\u732b\u3068\u767d"), [FIRST]),
    Case(18, "a part of it that is elsewhere", FAR, Found(BOB, "\u9ed2\u732b\u767d"), []),
    Case(18, "an emoji", FAR, Found(BOB, "\U0001f408"), [SECOND]),
    Case(18, "signs beside a word are found with it", FAR, Found(BOB, "plus ++"), [THIRD]),
    Case(18, "in any width and composition",
         FAR, Found(BOB, "\uff23\uff21\uff26E\u0301"), [FOURTH]),
    Case(18, "nothing deleted", (*SAYS, delete(FIRST, ALICE)), Found(BOB, "rain"), [SECOND]),
    Case(18, "nothing muted", (*SAYS, mute(BOB, ALICE)), Found(BOB, "rain"), [SECOND]),
]  # fmt: skip

WRITTEN = (OF_DAVE, post(SECOND, ALICE), reply(THIRD, ALICE, FIRST), repost(FOURTH, ALICE, FIRST),
           reply(FIFTH, ALICE, FIRST, repost_of=FIRST))  # fmt: skip
PAGES = [
    Case(18, "an author's page has replies", WRITTEN, Page(BOB, ALICE),
         [FIFTH, FOURTH, THIRD, SECOND]),
    Case(18, "or none; reposts are none", WRITTEN, Page(BOB, ALICE, "none"),
         [FIFTH, FOURTH, SECOND]),
    Case(18, "or nothing else", WRITTEN, Page(BOB, ALICE, "only"), [THIRD]),
]  # fmt: skip

LISTINGS = [*LISTS, *EXCLUSIVE, *FOLLOWED_TAGS, *TAG_TIMELINES, *SEARCH, *PAGES]
