"""The visibility predicate: whether a post is shown, and by which rule of docs/rules.md.

Pure functions of the post, of what is known around it and of the viewer's relations now. Every
reader decides with these and nothing else. Where several rules hide a post, the one is named that
comes first in rule 31: 5, 8, 10, 6, 2 (retention), 23, 16, 7, 2 (not followed), 4, 3; at last 25.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from schemas.events import Replies
from schemas.ids import ListId, PostId
from schemas.relations import ListReplies
from schemas.tags import normal_tag
from services.posts.ancestry import root_of
from services.posts.post import Post
from services.relations.lists import ListRules
from services.relations.relations import Edge
from services.visibility.people import is_blocked, is_blocked_by_viewer, is_muted
from services.visibility.replies import is_against_gate, passes_list_rule, passes_reply_rule
from services.visibility.rules import VerdictReason
from services.visibility.view import ReasonKind, View, Why
from services.visibility.words import hides_bare_link, is_in_other_language, matching_keyword_mute

Hides: TypeAlias = Callable[[Post, Post, View], bool]
"""Of a post and the original it shows."""


class Verdict(NamedTuple):
    """Shown or not, the number of the rule that decided, and its reason in a word.

    `kind` is the reason for which a shown post is in a home timeline, or in another listing; `why`
    is how a mention speaks to the viewer.
    """

    shown: bool
    rule: int
    reason: VerdictReason
    kind: ReasonKind | None = None
    why: Why | None = None


def hidden(rule: int, reason: VerdictReason) -> Verdict:
    """Return the verdict that a rule hides a post."""
    return Verdict(shown=False, rule=rule, reason=reason)


READABLE: Final = Verdict(shown=True, rule=5, reason="in_audience")
NOT_FOLLOWED: Final = hidden(2, "not_followed")
THREAD_MUTED: Final = hidden(25, "thread_muted")
FOLDED: Final = hidden(4, "folded")
"""The verdict on a post that is shown, but not in a place of its own."""
ORDER: Final = (7, 2, 4, 3)
"""The order of the rules that may hide a post by one way into a home, not by another."""

_EDGE_REASONS: Final[Mapping[Replies, VerdictReason]] = {
    "all": "replies_all",
    "followed": "replies_followed",
    "conversation": "replies_conversation",
    "self_threads": "replies_self_threads",
    "none": "replies_none",
}
_LIST_REASONS: Final[Mapping[ListReplies, VerdictReason]] = {
    "list": "replies_list",
    "followed": "replies_followed",
    "none": "replies_none",
}


def is_in_audience(post: Post, view: View) -> bool:
    """Rule 5, by the post's visibility alone; deleted posts keep theirs."""
    if post.visibility == "public" or post.author_id == view.viewer:
        return True
    if view.viewer is None:
        return False
    if post.visibility == "unlisted" or view.viewer in post.mentions:
        return True
    return post.visibility == "followers" and view.follows(post.author_id)


def is_gone(post: Post, view: View) -> bool:
    """Rules 8 and 10: deleted, or its author's account is."""
    return post.deleted or post.author_id in view.suspended


def judge_readable(post: Post, view: View) -> Verdict:
    """Whether a post may be shown to the viewer at all, a repost with what it reposts (4)."""
    if not is_in_audience(post, view):
        return hidden(5, "not_in_audience")
    original = view.original(post)
    if original is None:
        return hidden(4, "original_unknown")
    if not is_in_audience(original, view):
        return hidden(5, "original_not_in_audience")
    if post.deleted or original.deleted:
        return hidden(8, "deleted" if post.deleted else "original_deleted")
    if not view.suspended.isdisjoint((post.author_id, original.author_id)):
        return hidden(10, "suspended")
    return READABLE


def judge_on_page(post: Post, view: View) -> Verdict:
    """Whether a post is shown where it is asked for: by its id, or on its author's page."""
    verdict = judge_readable(post, view)
    return hidden(6, "blocked") if verdict.shown and is_blocked(post, view) else verdict


def judge_listed(post: Post, view: View) -> Verdict:
    """Whether a post is in tag timelines and in search (17 and 18)."""
    if post.repost_of is not None:
        return hidden(4, "repost")
    if post.visibility != "public":
        return hidden(5, "not_public")
    return _judge_found(post, view)


def judge_quote(post: Post, quoted: PostId, view: View) -> Verdict:
    """Whether a post is among the quotes of another (32)."""
    if post.quote_of != quoted or post.repost_of is not None:
        return hidden(32, "no_quote")
    return hidden(32, "detached") if is_detached(post, view) else _judge_found(post, view)


def is_detached(quote: Post, view: View) -> bool:
    """Whether the quoted author took their post out; of a repost, also the original's may (32)."""
    quoted = view.quoted(quote)
    original = None if quoted is None else view.original(quoted)
    authors = {each.author_id for each in (quoted, original) if each is not None}
    return not authors.isdisjoint(quote.detached_by)


def judge_in_list(post: Post, view: View, list_id: ListId, rules: ListRules) -> Verdict:
    """Whether a member's post is in the timeline of a list of the viewer's; windows aside."""
    verdict = judge_readable(post, view)
    original = view.original(post)
    if not verdict.shown or original is None:
        return verdict
    against = first_against(post, original, view, AGAINST_IN_LISTS)
    if against is None and post is original:
        against = _against_in_list(post, list_id, rules.replies, view)
    elif against is None and not rules.reposts:
        against = hidden(16, "list_reposts_off")
    if against is None and original.author_id != view.viewer:
        against = hidden(7, "bare_link") if hides_bare_link(original, view, None) else None
    elif against is None and post is not original:
        against = hidden(4, "repost_of_own_post")
    if against is None and is_in_muted_thread(original, view):
        against = THREAD_MUTED
    return Verdict(True, 16, "in_list", "list") if against is None else against


def judge_in_home(post: Post, view: View) -> Verdict:
    """Whether the viewer's home timeline has a reason for a post; its window is another matter."""
    verdict = judge_readable(post, view)
    original = view.original(post)
    if not verdict.shown or original is None:
        return verdict
    against = first_against(post, original, view)
    verdict = against if against is not None else _judge_ways(post, original, view)
    return THREAD_MUTED if verdict.shown and is_in_muted_thread(original, view) else verdict


def is_in_muted_thread(post: Post, view: View) -> bool:
    """Whether a post is another's reply in a conversation that the viewer muted everywhere (25)."""
    if not view.muted_threads or post.parent_id is None or post.author_id == view.viewer:
        return False
    return root_of(post, view.known) in view.muted_threads


def may_know(post: Post, view: View) -> bool:
    """Whether the viewer may learn which rule decides about a post (rule 31).

    False where they are not in its audience, and where only blocks by others hide it, also once it
    is deleted or its author suspended. Blocks and mutes of their own they may know of.
    """
    original = view.original(post)
    if original is None or not is_in_audience(post, view) or not is_in_audience(original, view):
        return False
    return not is_blocked(post, view) or is_blocked_by_viewer(post, view) or is_muted(post, view)


def _judge_found(post: Post, view: View) -> Verdict:
    """Whether a post is in a listing that nobody's choice of authors makes."""
    verdict = judge_on_page(post, view)
    if not verdict.shown:
        return verdict
    if is_muted(post, view):
        return hidden(6, "muted")
    return hidden(23, "against_gate") if is_against_gate(post, view) else verdict


def _block_hides(post: Post, _: Post, view: View) -> bool:
    """Whether a block hides it; who mutes its people is told of that, and of no block by others."""
    return is_blocked(post, view) and (is_blocked_by_viewer(post, view) or not is_muted(post, view))


def _retention_hides(post: Post, _: Post, view: View) -> bool:
    return post.post_id <= view.floor


def _gate_hides(post: Post, original: Post, view: View) -> bool:
    """Whether the gate hides it; authors keep their own replies in their homes."""
    own = post is original and post.author_id == view.viewer
    return not own and is_against_gate(original, view)


def _keyword_hides(_: Post, original: Post, view: View) -> bool:
    return matching_keyword_mute(original, view, "home", "hide") is not None


def _keyword_hides_mention(_: Post, original: Post, view: View) -> bool:
    return matching_keyword_mute(original, view, "mentions", "hide") is not None


def _exclusive_list_hides(post: Post, _: Post, view: View) -> bool:
    """Whether the author, not the viewer, is in an exclusive list of the viewer's."""
    lists = view.relations.own.lists
    if not lists:
        return False
    listed = view.to(post.author_id).lists
    return post.author_id != view.viewer and any(lists[each].exclusive for each in listed)


AGAINST: Final[Sequence[tuple[int, VerdictReason, Hides]]] = (
    (6, "blocked", _block_hides),
    (6, "muted", lambda post, _, view: is_muted(post, view)),
    (2, "past_retention", _retention_hides),
    (23, "against_gate", _gate_hides),
    (16, "exclusive_list", _exclusive_list_hides),
    (7, "keyword", _keyword_hides),
)
"""What keeps a post, and the original it shows, out of home, whatever would bring it there."""
AGAINST_IN_LISTS: Final = tuple(each for each in AGAINST if each[2] is not _exclusive_list_hides)
AGAINST_IN_MENTIONS: Final[Sequence[tuple[int, VerdictReason, Hides]]] = (
    *(each for each in AGAINST_IN_LISTS if each[2] is not _keyword_hides),
    (7, "keyword", _keyword_hides_mention),
)


def first_against(
    post: Post,
    original: Post,
    view: View,
    hiding: Sequence[tuple[int, VerdictReason, Hides]] = AGAINST,
) -> Verdict | None:
    """Return the verdict of the first of these that hides a post with its original."""
    for rule, reason, hides in hiding:
        if hides(post, original, view):
            return hidden(rule, reason)
    return None


def _against_in_list(
    post: Post, list_id: ListId, replies: ListReplies, view: View
) -> Verdict | None:
    if is_against_gate(post, view):
        return hidden(23, "against_gate")
    if post.author_id == view.viewer or passes_list_rule(post, list_id, replies, view):
        return None
    return hidden(16, _LIST_REASONS[replies])


def _judge_ways(post: Post, original: Post, view: View) -> Verdict:
    """Shown by the first way that nothing is against; else the first rule against any."""
    verdicts = list(_ways(post, original, view)) or [_judge_without_a_way(original, view)]
    for verdict in verdicts:
        if verdict.shown:
            return verdict
    return min(verdicts, key=lambda verdict: ORDER.index(verdict.rule))


def _ways(post: Post, original: Post, view: View) -> Iterator[Verdict]:
    """Rules 1, 2 and 17: a post comes as the viewer's own, by a follow edge, by a tag."""
    edge = view.to(post.author_id).edge
    if post.author_id == view.viewer:
        yield _judge_own(post, original, view)
    elif edge is not None:
        yield _judge_by_edge(post, original, edge, view)
    if has_followed_tag(post, view):
        bare = post.author_id != view.viewer and hides_bare_link(post, view, None)
        yield hidden(7, "bare_link") if bare else Verdict(True, 17, "followed_tag", "tag")


def has_followed_tag(post: Post, view: View) -> bool:
    """Rule 17: public posts only, and no reposts."""
    if not view.relations.own.tags or post.repost_of is not None or post.visibility != "public":
        return False
    return any(normal_tag(tag) in view.relations.own.tags for tag in post.tags)


def _judge_own(post: Post, original: Post, view: View) -> Verdict:
    if post is original:
        return Verdict(True, 1, "own_post", "self")
    if original.author_id == view.viewer:
        return hidden(4, "repost_of_own_post")
    if hides_bare_link(original, view, None):
        return hidden(7, "bare_link")
    return Verdict(True, 4, "repost", "self")


def _judge_by_edge(post: Post, original: Post, edge: Edge, view: View) -> Verdict:
    """Rules 7, 4 and 3, as the follow edge has them."""
    words_of_others = original.author_id != view.viewer
    if words_of_others and hides_bare_link(original, view, edge):
        return hidden(7, "bare_link")
    if is_in_other_language(original, edge):
        return hidden(7, "language")
    if post is not original:
        if not edge.reposts:
            return hidden(4, "reposts_off")
        own = original.author_id == view.viewer
        return hidden(4, "repost_of_own_post") if own else Verdict(True, 4, "repost", "repost")
    rule = 3 if post.parent_id is not None else 2
    reason: VerdictReason = _EDGE_REASONS[edge.replies] if rule == 3 else "followed"
    return Verdict(passes_reply_rule(post, edge.replies, view), rule, reason, "follow")


def _judge_without_a_way(original: Post, view: View) -> Verdict:
    bare = original.author_id != view.viewer and hides_bare_link(original, view, None)
    return hidden(7, "bare_link") if bare else NOT_FOLLOWED
