"""Rule 7: what a post's words mean for a viewer. Pure functions of text and options."""

from functools import lru_cache

from schemas.normal_text import normal_text
from schemas.relations import MuteAction
from services.posts.post import Post
from services.relations.relations import Edge, KeywordMute
from services.visibility.view import ReadContext, View
from services.words import count_words, normal_line, whole_phrase

BARE_WORDS = 3
"""A post with a link and fewer words beside it is a bare link."""
UNDETERMINED = "und"
MAX_PATTERNS = 4_096
"""Compiled phrases that are kept, a few MB: of those that texts hold, of some hundred viewers."""


def matching_keyword_mute(
    post: Post, view: View, context: ReadContext, action: MuteAction
) -> KeywordMute | None:
    """Return the viewer's first keyword mute with this action that matches the post here."""
    if context in ("listed", "page") or post.author_id == view.viewer:
        return None
    if not view.relations.own.keyword_mutes:
        return None
    text = normal_line(post.text)
    for mute in view.relations.own.keyword_mutes:
        if mute.action != action or (mute.contexts and context not in mute.contexts):
            continue
        if _meets(text, mute) and view.is_active(mute.expires_at):
            return mute
    return None


def hides_bare_link(post: Post, view: View, edge: Edge | None) -> bool:
    """Whether a bare link is hidden: by the follow edge if it says so, else by the settings."""
    shown = view.relations.own.bare_links
    if edge is not None and edge.bare_links is not None:
        shown = edge.bare_links
    return not shown and _is_bare(post)


def is_in_other_language(post: Post, edge: Edge) -> bool:
    """Whether the edge names languages and the post states another."""
    stated = (post.lang or "").lower()
    if not edge.languages or stated in ("", UNDETERMINED):
        return False
    return not any(_is_language_of(wanted.lower(), stated) for wanted in edge.languages)


def _is_language_of(wanted: str, stated: str) -> bool:
    """Whether a tag matches a range, by basic filtering of RFC 4647."""
    return wanted in ("*", stated) or stated.startswith(f"{wanted}-")


def _is_bare(post: Post) -> bool:
    text = post.text
    for link in sorted(post.links, key=len, reverse=True):  # one may begin another
        text = text.replace(link, " ")
    return bool(post.links) and count_words(normal_text(text)) < BARE_WORDS


def _meets(text: str, mute: KeywordMute) -> bool:
    phrase = mute.normal
    if not phrase or phrase not in text:
        return False
    return not mute.whole_word or _whole_phrase(phrase).search(text) is not None


_whole_phrase = lru_cache(MAX_PATTERNS)(whole_phrase)
