"""The replies by which a viewer knows people, and what follows from them (rule 30). Pure."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

import numpy as np

from schemas.ids import IdArray, PostId, UserId, post_time
from services.posts.post import Post
from services.ranking.conversants import (
    Acquaintance,
    RepliesBetween,
    find_acquaintance,
    meeting_features,
    meeting_scores,
    talking_with,
)
from services.ranking.weights import MEETING
from services.ranking.window import Floats
from services.visibility.people import is_blocked, is_muted
from services.visibility.predicate import judge_readable
from services.visibility.replies import is_against_gate
from services.visibility.view import View

ConversantReason: TypeAlias = Literal[
    "talks_with_you", "answers_you", "answered_by_you", "people_in_common"
]
"""Why somebody is named, of several reasons the first."""
Seen: TypeAlias = Callable[[Post, View], bool]
MAX_IN_COMMON: Final = 5
"""People in common that are named: as many as a sentence holds."""


class Conversant(NamedTuple):
    """Somebody whom the viewer talks with, or whom they might `follow`.

    `in_common` are those who talk with the viewer and exchange replies with this person.
    """

    user_id: UserId
    follow: bool
    reason: ConversantReason
    in_common: Sequence[UserId]


class Circle(NamedTuple):
    """The people around a viewer: what connects them, and whom they talk with, most first."""

    replies: RepliesBetween
    known: Acquaintance
    partners: Sequence[UserId]

    def in_common(self) -> dict[UserId, list[UserId]]:
        """Return the partners who exchange replies with each person, the best first."""
        place = {partner: number for number, partner in enumerate(self.partners)}
        found: dict[UserId, set[UserId]] = {}
        pairs = zip(self.replies.author.tolist(), self.replies.whom.tolist(), strict=True)
        for one, other in pairs:
            for partner, person in ((one, other), (other, one)):
                if partner in place:
                    found.setdefault(UserId(person), set()).add(UserId(partner))
        return {
            person: sorted(some, key=place.__getitem__)[:MAX_IN_COMMON]
            for person, some in found.items()
        }


def may_be_seen(post: Post, view: View) -> bool:
    """Whether the viewer may see a post, as far as relations and the post itself say."""
    is_readable = judge_readable(post, view).shown
    return is_readable and not is_blocked(post, view) and not is_muted(post, view)


def is_seen(post: Post, view: View) -> bool:
    """Whether a post counts. Words and threads that the viewer mutes say nothing about people."""
    return may_be_seen(post, view) and not is_against_gate(post, view)


def draw_circle(
    viewer: UserId, posts: Iterable[PostId], view: View, epoch: int, counts: Seen
) -> Circle:
    """Return who is around a viewer by the replies among these posts that count.

    These are the viewer's, those to them, and those by whom they talk with. Others among the posts
    were loaded by chance.
    """
    replies, moment = _replies_between(posts, view, epoch, counts), view.now // 1_000
    partners = _users(talking_with(find_acquaintance(replies, viewer, moment))[0])
    kept = np.isin(replies.author, [viewer, *partners]) | (replies.whom == viewer)
    replies = RepliesBetween(*(column[kept] for column in replies))
    return Circle(replies, find_acquaintance(replies, viewer, moment), partners)


def strangers_of(circle: Circle, view: View, limit: int) -> list[UserId]:
    """Return whom the viewer might follow, the best connected first, then the lower ids."""
    known, partners = circle.known, set(circle.partners)
    connected = known.you_answered + known.answered_you + known.in_common > 0
    people = [
        person
        for person in _users(known.people[connected])
        if person not in partners and _may_be_suggested(person, view)
    ]
    return _best(known, people, np.zeros(len(people)))[:limit]


def name_strangers(circle: Circle, people: Sequence[UserId], activity: Floats) -> list[Conversant]:
    """Return these people as whom to follow, the likeliest to be met first."""
    answered, answering = (
        set(circle.known.people[amount > 0].tolist())
        for amount in (circle.known.you_answered, circle.known.answered_you)
    )
    in_common = circle.in_common()

    def reason(person: UserId) -> ConversantReason:
        if person in answering:
            return "answers_you"
        return "answered_by_you" if person in answered else "people_in_common"

    return [
        Conversant(person, True, reason(person), in_common.get(person, ()))
        for person in _best(circle.known, people, activity)
    ]


def name_partners(circle: Circle, limit: int) -> list[Conversant]:
    """Return whom the viewer talks with, most first."""
    in_common = circle.in_common()
    return [
        Conversant(partner, False, "talks_with_you", in_common.get(partner, ()))
        for partner in circle.partners[:limit]
    ]


def _replies_between(
    posts: Iterable[PostId], view: View, epoch: int, counts: Seen
) -> RepliesBetween:
    """Return who answers whom, where both the reply and what it answers count."""
    rows = [
        (post_time(post.post_id, epoch), post.author_id, parent.author_id)
        for post in (view.known[each] for each in sorted(set(posts)) if each in view.known)
        if post.repost_of is None
        and post.parent_id is not None
        and (parent := view.known.get(post.parent_id)) is not None
        and parent.author_id != post.author_id
        and counts(post, view)
        and counts(parent, view)
    ]
    columns = np.array(rows, np.int64).reshape(len(rows), 3)
    return RepliesBetween(columns[:, 0], columns[:, 1], columns[:, 2])


def _may_be_suggested(person: UserId, view: View) -> bool:
    """Whether the viewer neither follows, blocks nor mutes somebody, nor is blocked by them."""
    between = view.to(person)
    is_mute = between.mute is not None and view.is_active(between.mute.expires_at)
    return between.edge is None and not between.blocked and not is_mute


def _best(known: Acquaintance, people: Collection[UserId], activity: Floats) -> list[UserId]:
    ids = np.array(list(people), np.int64)
    scores = meeting_scores(meeting_features(known, ids, activity), MEETING)
    return _users(ids[np.lexsort((ids, -scores))])


def _users(ids: IdArray) -> list[UserId]:
    return [UserId(each) for each in ids.tolist()]
