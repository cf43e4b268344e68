"""Keeps what depends on the posts above a post: hints, mentions, answers, inboxes, conversations.

A hint vouches for its post: the mentions, answers and inboxes that follow from it are stored, it is
filed in its conversation, and all that was below the post at that time is done. So rows are written
before hints and the deepest posts first; a walk that broke off is resumed where it ended, and one
that meets a hint of all that is known has nothing to do below it.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import islice

from schemas.events import Creation, Edit, PostFact
from schemas.ids import PostId, UserId
from services.audiences.store import AudienceStore
from services.conversations.store import ConversationStore
from services.handlers.audience_index import AudienceIndex, known_roots
from services.handlers.claim_index import reindex_posts
from services.handlers.inboxes import FillInboxes
from services.mentions.store import (
    ANSWERED_LEVELS,
    MENTIONED_LEVELS,
    Answer,
    Mention,
    MentionStore,
)
from services.posts.ancestry import ancestors
from services.posts.post import Post
from services.posts.store import MAX_ANCESTOR_HINT, PostStore
from services.span import Span

CHILDREN_A_ROUND = 1_000
"""Replies to each post that are loaded at a time."""


def named_in(facts: Iterable[PostFact]) -> list[Mention]:
    """Return the mentions that posts and edits state."""
    return [
        Mention(UserId(user), PostId(fact.post_id))
        for fact in facts
        if isinstance(fact, Creation | Edit) and fact.mentions
        for user in dict.fromkeys(map(int, fact.mentions))
        if user != fact.author_id
    ]


class AncestorLines:
    """Updates the lines of posts that were just recorded, and of what is below them."""

    def __init__(
        self,
        posts: PostStore,
        conversations: ConversationStore,
        mentions: MentionStore,
        audiences: AudienceStore,
        inboxes: FillInboxes,
    ) -> None:
        self._posts = posts
        self._conversations = conversations
        self._mentions = mentions
        self._audiences = audiences
        self._inboxes = inboxes

    async def update(self, arrived: Iterable[PostId], known: dict[PostId, Post]) -> set[PostId]:
        """Update posts and their descendants, which are added to `known`; return all of these.

        `known` holds the posts and all above them. Whoever recorded the posts files them; their
        descendants are filed here.
        What is below a post with several claims is looked at whatever its hints say: another
        author may own the post by now, whom a hint does not name, or its root be another.
        """
        posts = [known[each] for each in arrived if each in known]
        walked = {post.post_id for post in posts}
        await self._write(posts, known)
        contested = [post.post_id for post in posts if post.is_contested]
        walked |= await self._update_below(
            contested, known, frozenset(contested), MAX_ANCESTOR_HINT
        )
        others = [post.post_id for post in posts if not post.is_contested]
        return walked | await self._update_below(others, known, frozenset(others), 0)

    async def _update_below(
        self,
        parents: Collection[PostId],
        known: dict[PostId, Post],
        above: AbstractSet[PostId],
        levels: int,
    ) -> set[PostId]:
        """Update the replies below posts; for so many levels also those with whole hints.

        Return the replies that were looked at.
        """
        walked: set[PostId] = set()
        async for children in self._children(parents):
            loaded = await self._posts.load(children - above)
            known.update(loaded)
            walked |= loaded.keys()
            outdated = {
                post.post_id: post
                for post in loaded.values()
                if levels > 0 or not _has_whole_hint(post, known)
            }
            walked |= await self._update_below(outdated, known, above | outdated.keys(), levels - 1)
            await self._file(outdated, known)
            await self._write(list(outdated.values()), known)
        return walked

    async def _file(self, replies: Collection[PostId], known: Mapping[PostId, Post]) -> None:
        """File replies in the conversation that they are found to belong to."""
        roots = known_roots(replies, known)
        filed = {claim.post_id for claim in roots}
        await reindex_posts(self._posts, filed, AudienceIndex(self._audiences, roots))

    async def _children(self, parents: Collection[PostId]) -> AsyncIterator[set[PostId]]:
        """Yield the ids of all replies to posts, a part at a time."""
        if not parents:
            return
        below = await self._conversations.children(parents, CHILDREN_A_ROUND)
        if below:
            yield {child.post_id for each in below.values() for child in each}
        for parent, some in below.items():
            while len(some) == CHILDREN_A_ROUND:
                rest = Span(above=some[-1].post_id, newest_first=False)
                further = await self._conversations.children([parent], CHILDREN_A_ROUND, rest)
                some = further.get(parent, [])  # noqa: PLW2901 - the next part
                yield {child.post_id for child in some}

    async def _write(self, posts: Sequence[Post], known: Mapping[PostId, Post]) -> None:
        lines = {post.post_id: known_line(post, known) for post in posts}
        replies = [post for post in posts if lines[post.post_id] and post.repost_of is None]
        await asyncio.gather(
            self._mentions.add(
                {
                    each
                    for post in replies
                    for each in mentions_owed(post, lines[post.post_id], known)
                }
            ),
            self._mentions.add_answers(
                [each for post in replies for each in answers_owed(post, lines[post.post_id])]
            ),
            self._inboxes.update(posts, known),
        )
        hints = {
            (post.post_id, post.author_id): lines[post.post_id]
            for post in posts
            if len(lines[post.post_id]) > len(post.ancestor_hint)
        }
        if hints:
            await self._posts.hint_ancestors(hints)


def mentions_owed(
    post: Post, line: Sequence[PostId], known: Mapping[PostId, Post]
) -> Iterator[Mention]:
    """Yield the mentions of those who wrote the nearest posts above a reply."""
    for above in line[:MENTIONED_LEVELS]:
        user = known[above].author_id
        if user != post.author_id:
            yield Mention(user, post.post_id)


def answers_owed(post: Post, line: Sequence[PostId]) -> Iterator[Answer]:
    """Yield what a reply answers."""
    for above in line[:ANSWERED_LEVELS]:
        yield Answer(post.author_id, above, post.post_id)


def _has_whole_hint(post: Post, known: Mapping[PostId, Post]) -> bool:
    """Whether a hint names all known ancestors. That of a repost is about its original instead."""
    line = known_line(post, known)
    return post.repost_of is None and post.ancestor_hint[: len(line)] == line


def known_line(post: Post, known: Mapping[PostId, Post]) -> tuple[PostId, ...]:
    """Return the known ancestors of a post, nearest first, up to MAX_ANCESTOR_HINT."""
    return tuple(
        above for above in islice(ancestors(post, known), MAX_ANCESTOR_HINT) if above in known
    )
