"""Rules 25 to 27: which posts speak to a viewer, wait for them, or count in their inbox. Pure."""

from collections.abc import Collection, Iterator
from itertools import islice

from schemas.ids import PostId
from services.mentions.store import ANSWERED_LEVELS, MENTIONED_LEVELS
from services.posts.ancestry import ancestors, root_of
from services.posts.post import Post
from services.visibility.people import is_blocked, is_muted
from services.visibility.predicate import (
    AGAINST_IN_MENTIONS,
    Verdict,
    first_against,
    hidden,
    is_detached,
    is_gone,
    is_in_audience,
    judge_readable,
)
from services.visibility.replies import is_against_gate
from services.visibility.view import View, Why
from services.visibility.words import matching_keyword_mute

UNANSWERED = frozenset({"mention", "reply"})
"""The posts that wait for an answer: those that name the viewer or answer them directly."""


def line_above(post: Post, view: View) -> Iterator[Post]:
    """Yield the known posts among the nearest ancestors by which a post may speak to somebody."""
    for above in islice(ancestors(post, view.known), MENTIONED_LEVELS):
        if above in view.known:
            yield view.known[above]


def judge_mention(post: Post, view: View) -> Verdict:
    """Whether a post is in the viewer's mentions, and why it speaks to them."""
    verdict = judge_readable(post, view)
    against = None if verdict.shown else verdict
    if against is None and post.repost_of is not None:
        against = hidden(4, "repost")
    if against is None and post.author_id == view.viewer:
        against = hidden(25, "own_post")
    against = against or first_against(post, post, view, AGAINST_IN_MENTIONS)
    if against is None and root_of(post, view.known) in view.marks.muted:
        against = hidden(25, "thread_muted")
    why = _why(post, view) if against is None else None
    if why is None:
        return against or hidden(25, "not_addressed")
    return Verdict(True, 25, why, "mention", why)


def judge_unanswered(
    post: PostId, mention: Verdict, view: View, answered: Collection[PostId]
) -> Verdict:
    """Whether a post waits for the viewer's answer, after the verdict on it as a mention."""
    if not mention.shown:
        return mention
    if mention.why not in UNANSWERED:
        return hidden(26, "needs_no_answer")
    if post in view.marks.set_aside:
        return hidden(26, "set_aside")
    return hidden(26, "answered") if post in answered else mention


def is_answer(post: Post, to: PostId, view: View) -> bool:
    """Whether a post of the viewer's answers another one: it lives, and stands below it."""
    if post.author_id != view.viewer or post.repost_of is not None or is_gone(post, view):
        return False
    return to in islice(ancestors(post, view.known), ANSWERED_LEVELS) and not is_against_gate(
        post, view
    )


def counts_in_conversation(post: Post, view: View) -> bool:
    """Whether a post is one of its conversation, for the viewer's inbox (rule 27)."""
    if post.repost_of is not None or not judge_readable(post, view).shown:
        return False
    if is_blocked(post, view) or is_muted(post, view):
        return False
    if matching_keyword_mute(post, view, "threads", "hide") is not None:
        return False
    above = (view.known[each] for each in ancestors(post, view.known) if each in view.known)
    return not any(is_against_gate(each, view) for each in (post, *above))


def _why(post: Post, view: View) -> Why | None:
    if view.viewer in post.mentions:
        return "mention"
    place = _place_in_line(post, view)
    return "quote" if place != "reply" and _quotes_viewer(post, view) else place


def _place_in_line(post: Post, view: View) -> Why | None:
    for above in line_above(post, view):
        if not is_in_audience(above, view) or is_blocked(above, view) or is_muted(above, view):
            return None
        if above.author_id == view.viewer and not is_gone(above, view):
            return "reply" if above.post_id == post.parent_id else "line"
    return None


def _quotes_viewer(post: Post, view: View) -> bool:
    quoted = view.quoted(post)
    if quoted is None or quoted.author_id != view.viewer or is_gone(quoted, view):
        return False
    return not is_detached(post, view)
