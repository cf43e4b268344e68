"""Examples for the OpenAPI document: user 7 follows user 42 and reads their post."""

from typing import Final

import msgspec
from msgspec.structs import replace

from schemas.ids import DEFAULT_EPOCH, PostId, UserId, Version, post_id, post_time
from services.api import (
    answers,
    catch_up_answers,
    conversant_answers,
    inbox_answers,
    mark_answers,
    mention_answers,
)
from services.api.cursors import Cursors
from services.api.explanation_answers import explanation
from services.api.page_position import bare_position
from services.readers.acquaintances import Conversant
from services.readers.conversations import InboxConversation
from services.readers.home import Explanation
from services.readers.item import Item, Quote, Reason, ThreadItem
from services.relations.mutation import SubjectKind
from services.relations.relations import ReadMark

_POST_ID: Final = post_id(1_783_314_243_000, 0)
_REPLY_ID: Final = post_id(1_783_314_363_000, 0)
_AUTHOR: Final = UserId(42)
_CURSOR: Final = Cursors(("an example",)).seal("home/7", bare_position(_POST_ID))

_POST: Final = Item(
    post_id=_POST_ID,
    author_id=_AUTHOR,
    created_at=post_time(_POST_ID, DEFAULT_EPOCH),
    text="The bakery opens at six.",
    lang="en",
    visibility="public",
    parent_id=None,
    root_id=_POST_ID,
    repost=None,
    edited=False,
)
_THREAD: Final = (
    ThreadItem(_POST_ID, depth=0, item=_POST),
    ThreadItem(_REPLY_ID, depth=1, placeholder="deleted"),
)

POST: Final = answers.item(_POST)
LISTING: Final = answers.Listing(
    items=[answers.item(replace(_POST, reason=Reason("follow", _AUTHOR)))],
    next=_CURSOR,
    prev=_CURSOR,
    gap=None,
    state="ready",
)
TAGGED: Final = replace(
    LISTING, items=[answers.item(replace(_POST, reason=Reason("tag", _AUTHOR)))]
)
QUOTES: Final = replace(
    LISTING,
    items=[
        answers.item(
            replace(
                _POST,
                post_id=_REPLY_ID,
                author_id=UserId(7),
                created_at=post_time(_REPLY_ID, DEFAULT_EPOCH),
                text="Six in the morning, mind you.",
                root_id=_REPLY_ID,
                quote=Quote(_POST_ID, item=_POST),
            )
        )
    ],
)
_MARK: Final = ReadMark(PostId(0), SubjectKind.READ, _POST_ID, Version(1_783_314_300_000_000))
MARKS: Final = mark_answers.MarkPage([mark_answers.read_mark(_MARK)], next=None)
HOME: Final = replace(LISTING, mark=str(_POST_ID), unread=0)
FOUND: Final = replace(LISTING, items=[POST])
CONVERSATIONS: Final = inbox_answers.ConversationListing(
    items=[
        inbox_answers.conversation(
            InboxConversation(
                _POST_ID, _REPLY_ID, new=1, participants=[_AUTHOR, UserId(7)], participant_count=2
            ),
            DEFAULT_EPOCH,
        )
    ],
    next=_CURSOR,
)
MENTIONS: Final = mention_answers.MentionListing(
    items=[
        mention_answers.mention(
            replace(
                _POST,
                post_id=_REPLY_ID,
                created_at=post_time(_REPLY_ID, DEFAULT_EPOCH),
                text="And on Sundays?",
                parent_id=_POST_ID,
                reason=Reason("mention", _AUTHOR),
                why="reply",
            )
        )
    ],
    next=_CURSOR,
    prev=_CURSOR,
    gap=None,
    state="ready",
)
CATCH_UP: Final = catch_up_answers.CatchUp(
    items=[
        catch_up_answers.NewConversation(str(_POST_ID), [POST], [str(_AUTHOR)]),
        catch_up_answers.NewBroadcasts(str(_AUTHOR), count=5, cursor=_CURSOR),
    ],
    folded=5,
    since=answers.item(_POST).created_at,
    more=False,
    state="ready",
)
TICKET: Final = answers.Ticket("AkcB0d1mZJYxJ8k2u3Vd", 60)
CONVERSANTS: Final = conversant_answers.conversant_listing(
    [
        Conversant(_AUTHOR, False, "talks_with_you", ()),
        Conversant(UserId(77), True, "people_in_common", [_AUTHOR]),
    ]
)
EVENT: Final = {
    "event": "entry",
    "data": msgspec.json.encode(LISTING.items[0]).decode(),
    "id": _CURSOR,
}
THREAD: Final = answers.Thread([answers.thread_item(each) for each in _THREAD], next=_CURSOR)
PERSON: Final = answers.Person(
    user_id="42",
    follow=answers.Follow(
        1_783_314_000_000_000,
        answers.time_of(1_783_314_000_000_000),
        "followed",
        True,
        None,
        ["en"],
    ),
    followed_by=True,
    blocked=False,
    mute=None,
    lists=["7"],
)
RELATIONS: Final = answers.Relations([PERSON], next=None)
EXPLANATION: Final = explanation(
    Explanation(shown=True, rule=2, reason="followed", path="pushed", stored=True)
)
