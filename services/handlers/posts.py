"""Handler of `posts` and `replies`: writes the post and its links, then requests its fan-out."""

import asyncio
from collections.abc import Iterable, Sequence

import numpy as np

from schemas.events import Creation, Deletion, Edit, PostFact, ReplyCreated
from schemas.ids import PostId, UserId, Version
from services.audiences.store import AudienceStore
from services.clock import Clock
from services.conversations.store import NewReply
from services.graph.store import GraphStore
from services.handlers.ancestor_lines import named_in
from services.handlers.audience_index import AudienceIndex, Roots, load_roots
from services.handlers.claim_index import reindex_posts, update_indexes
from services.handlers.handler import Accepted
from services.handlers.link_quotes import LinkQuotes
from services.handlers.link_replies import LinkReplies
from services.handlers.link_reposts import FanOutPost, LinkReposts
from services.handlers.outbox import RequestOutbox
from services.handlers.pages import FanOutPolicy, fan_out_pages
from services.handlers.public_index import PublicIndex
from services.mentions.store import MentionStore
from services.posts.post import post_mutation, without_words
from services.posts.store import PostStore
from services.pulled.authors import PulledAuthors
from services.retention import Retention
from services.search.store import PostClaim, TermStore, claim_of
from services.search.terms import tags_of
from services.timelines.store import AuthorEntry, AuthorTimelineStore, EntryBlock, HomeTimelineStore


class RecordPosts:
    """Writes a post and requests its delivery.

    Every write is durable before anything is read or requested. The author timeline is written
    before the pages are sent, so that a follow which the fan-out misses finds the post in its
    backfill. The author's own home gets the post at once, which saves a request in every read of
    it.
    """

    def __init__(  # noqa: PLR0913 - a composition, all by keyword
        self,
        *,
        posts: PostStore,
        author_timelines: AuthorTimelineStore,
        home_timelines: HomeTimelineStore,
        graph: GraphStore,
        conversations: LinkReplies,
        reposts: LinkReposts,
        quotes: LinkQuotes,
        mentions: MentionStore,
        audiences: AudienceStore,
        tags: TermStore,
        words: TermStore,
        outbox: RequestOutbox,
        retention: Retention,
        clock: Clock,
        policy: FanOutPolicy,
        pulled: PulledAuthors,
    ) -> None:
        self._posts = posts
        self._author_timelines = author_timelines
        self._home_timelines = home_timelines
        self._graph = graph
        self._conversations = conversations
        self._reposts = reposts
        self._quotes = quotes
        self._mentions = mentions
        self._tags = tags
        self._tag_index = PublicIndex(tags, tags_of)
        self._audiences = audiences
        self._words = words
        self._outbox = outbox
        self._retention = retention
        self._clock = clock
        self._policy = policy
        self._pulled = pulled

    async def __call__(self, batch: Sequence[Accepted[PostFact]]) -> None:
        created = [
            Accepted(message, accepted_at)
            for message, accepted_at in batch
            if isinstance(message, Creation)
        ]
        facts = [each.message for each in batch]
        await self._record(facts)
        arrived = list({PostId(each.message.post_id): None for each in created})
        roots: Roots = {}
        if arrived:
            roots, _, _ = await asyncio.gather(
                self._conversations.join(arrived),
                self._reposts.deliver(created, self._fan_out),
                self._quotes.mention([each.message for each in created]),
            )
        stating = [fact for fact in facts if isinstance(fact, Creation | Edit | Deletion)]
        await self._index(stating, roots)

    async def erase(self, batch: Sequence[Accepted[PostFact]]) -> None:
        """Record posts of erased accounts without their words, so that threads hold together."""
        claims = {claim_of(each.message) for each in batch}
        await self([each._replace(message=without_words(each.message)) for each in batch])
        await asyncio.gather(self._posts.blank(claims), self._forget(list(claims)))

    async def _record(self, facts: Sequence[PostFact]) -> None:
        created = [fact for fact in facts if isinstance(fact, Creation)]
        replies = [fact for fact in created if isinstance(fact, ReplyCreated)]
        await asyncio.gather(
            self._posts.record([post_mutation(fact) for fact in facts]),
            self._author_timelines.add_author_entries(
                # An edit has words, too, by which an erasure must find it before its post arrives.
                [
                    AuthorEntry(UserId(fact.author_id), PostId(fact.post_id))
                    for fact in facts
                    if isinstance(fact, Creation | Edit)
                ]
            ),
            self._home_timelines.add_home_entries(_own(created)),
            self._conversations.link(map(_new_reply, replies)),
            self._reposts.link(created),
            self._quotes.link(created),
            self._mentions.add(named_in(facts)),
            self._forget([claim_of(fact) for fact in facts if isinstance(fact, Deletion)]),
        )

    async def _index(self, facts: Sequence[PostFact], joined: Roots) -> None:
        """Index by tags and by audiences what was recorded, and replies whose roots are new."""
        changed = {PostId(fact.post_id) for fact in facts if not isinstance(fact, Creation)}
        roots = joined | (await load_roots(self._posts, changed) if changed else {})
        audiences = AudienceIndex(self._audiences, roots)
        await update_indexes(self._posts, facts, self._tag_index, audiences)
        moved = {claim.post_id for claim in joined.keys() - {claim_of(fact) for fact in facts}}
        if moved:
            await reindex_posts(self._posts, moved, audiences)

    async def _forget(self, claims: Sequence[PostClaim]) -> None:
        """Forget tags and words of deleted posts, also those that the search role adds later."""
        await asyncio.gather(self._tags.forget(claims), self._words.forget(claims))

    async def _fan_out(self, deliveries: Sequence[FanOutPost]) -> None:
        floor = self._retention.floor(self._clock())
        posts = [each for each in deliveries if each.post_id > floor]
        authors = {each.author_id for each in posts}
        followers = await self._graph.follower_counts(authors) if authors else {}
        # The flag is durable before a post is left out: readers must pull what is not pushed.
        pulled = await self._pulled.flag(
            {
                AuthorEntry(each.author_id, each.post_id)
                for each in posts
                if self._policy.is_pulled(each, followers.get(each.author_id, 0))
            }
        )
        await self._outbox.send(
            [
                page
                for each in posts
                if AuthorEntry(each.author_id, each.post_id) not in pulled
                for page in fan_out_pages(each, followers.get(each.author_id, 0), self._policy)
            ]
        )


def _new_reply(fact: ReplyCreated) -> NewReply:
    ids = PostId(fact.parent_id), PostId(fact.post_id), UserId(fact.author_id)
    return NewReply(*ids, Version(fact.version))


def _own(created: Iterable[Creation]) -> list[EntryBlock]:
    """Return the blocks that write posts into their authors' own homes."""
    posts: dict[int, set[int]] = {}
    for fact in created:
        posts.setdefault(fact.author_id, set()).add(fact.post_id)
    return [EntryBlock(np.array([author]), np.array(sorted(ids))) for author, ids in posts.items()]
