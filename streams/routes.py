"""Routes: which agent handles which topic, in which role."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from schemas.snapshots import FOLLOW_EDGES
from services.clock import Clock
from services.handlers.ancestor_lines import AncestorLines
from services.handlers.contradictions import ContradictedClaims
from services.handlers.delivery import (
    BULK_ENTRIES_AT_ONCE,
    ActiveFollowers,
    Backfill,
    DeliverPages,
    everyone_active,
)
from services.handlers.erased import ErasedAccounts
from services.handlers.follows import RecordFollows
from services.handlers.handler import Accepted, Handler
from services.handlers.inboxes import PUSHED_PARTICIPANTS, FillInboxes
from services.handlers.inline_outbox import InlineOutbox, SmallPagesAtOnce
from services.handlers.link_quotes import LinkQuotes
from services.handlers.link_replies import LinkReplies
from services.handlers.link_reposts import LinkReposts
from services.handlers.orphans import OrphanGauge
from services.handlers.outbox import RequestOutbox
from services.handlers.pages import FanOutPolicy
from services.handlers.posts import RecordPosts
from services.handlers.relations import RecordRelations
from services.handlers.stale_versions import StaleVersions
from services.handlers.words import RecordWords
from services.metrics.metrics import Metrics
from services.pulled.authors import PulledAuthors
from services.retention import Retention
from services.stores import Stores
from streams.delivery.backlog import BatchBounds


class Route(NamedTuple):
    """An agent: the topic it reads, the role whose app has it, and how much it takes at a time.

    `is_second`: another role reads the topic too and writes the dead letters of what cannot be
    decoded; this one skips it. What this role alone cannot handle becomes a dead letter that counts
    for a brake of its own: a bug in it stops no other role. `lane` is that of fan-out pages.
    """

    agent: str
    topic: str
    role: str
    bounds: BatchBounds
    is_second: bool = False
    lane: str | None = None

    @property
    def brake(self) -> str:
        return f"{self.topic}@{self.role}" if self.is_second else self.topic


AS_THEY_COME = BatchBounds(gather_seconds=0.1)
"""A message that finds nothing in flight is taken at once. Others wait for each other: every batch
pays for a dozen requests, whatever it holds."""
WORDS_AT_ONCE = BatchBounds(messages=1024, batches=2, gather_seconds=1.0, gathers_always=True)
"""Words can wait and share mutations: the more posts at a time, the fewer mutations a post."""
BULK_AT_ONCE = BatchBounds(messages=16, batches=2)
"""One batch is written while the followers of the next are read. More would only lengthen the queue
at the store, in which the other lane waits too."""

BY_DEFAULT = FanOutPolicy()

ROUTES = (
    Route("posts", "posts", "ingest", AS_THEY_COME),
    Route("replies", "replies", "ingest", AS_THEY_COME),
    Route("follows", "follows", "ingest", AS_THEY_COME),
    Route("relations", "relations", "ingest", AS_THEY_COME),
    Route("fanout", "fanout-pages", "fanout", AS_THEY_COME, lane="push"),
    Route("backfills", "backfills", "fanout", AS_THEY_COME),
    Route("bulk", "bulk-pages", "bulk", BULK_AT_ONCE, lane="bulk"),
    Route("words", "posts", "search", WORDS_AT_ONCE, is_second=True),
    Route("reply-words", "replies", "search", WORDS_AT_ONCE, is_second=True),
)
REQUEST_ROLES = ("fanout", "bulk")
"""The roles that handle requests of our own."""
ERASING_ROLE = "ingest"
"""The role that works off erasures beside its topics: the one that lists them."""
WRITE_HOMES = ("ingest", *REQUEST_ROLES)
"""The roles that write home entries."""
LANES = {route.topic: route.lane for route in ROUTES if route.lane is not None}
"""The lane of each topic of fan-out pages, as metrics name it."""
ROLES = tuple(dict.fromkeys(route.role for route in ROUTES))
SECOND_ROLES = frozenset(route.role for route in ROUTES if route.is_second)
"""The roles that read topics which another role reads too. Their lag has gauges of its own, as both
may run in one process."""
BRAKES = tuple(dict.fromkeys(route.brake for route in ROUTES))


def group_of(role: str) -> str:
    """Return the name of a role's consumer group."""
    return f"mingle-{role}"


def create_handlers(  # noqa: PLR0913 - what handlers are made of
    stores: Stores,
    requests: RequestOutbox,
    metrics: Metrics,
    retention: Retention,
    clock: Clock,
    *,
    policy: FanOutPolicy = BY_DEFAULT,
    active_followers: ActiveFollowers = everyone_active,
    pushed_participants: int = PUSHED_PARTICIPANTS,
) -> Mapping[str, Handler[Any]]:
    """Return the handler of each agent, on these stores."""
    lanes = _lanes(stores, metrics, clock, active_followers)
    at_once = SmallPagesAtOnce(lanes["fanout"], requests, policy.entries_at_once)
    record = RecordPosts(
        posts=stores.posts,
        author_timelines=stores.author_timelines,
        home_timelines=stores.home_timelines,
        graph=stores.graph,
        conversations=_link_replies(stores, metrics, pushed_participants),
        reposts=LinkReposts(stores.posts, stores.reposts),
        quotes=LinkQuotes(stores.posts, stores.quotes, stores.mentions),
        mentions=stores.mentions,
        audiences=stores.audiences,
        tags=stores.tags,
        words=stores.words,
        outbox=at_once if policy.entries_at_once else requests,
        retention=retention,
        clock=clock,
        policy=policy,
        pulled=PulledAuthors(stores.pulled, retention, clock),
    )
    counting = StaleVersions(metrics.stale_versions).wrap
    obeying = ErasedAccounts(stores.relations).wrap
    posts, words = obeying(record), obeying(RecordWords(stores.posts, stores.words))
    return {
        "posts": counting(posts),
        "replies": counting(posts),
        "follows": counting(obeying(RecordFollows(stores.graph, stores.relations, requests))),
        "relations": counting(obeying(RecordRelations(stores.relations, stores.erasures))),
        **lanes,
        "backfills": Backfill(stores, retention, clock),
        "words": words,
        "reply-words": words,
    }


def _link_replies(stores: Stores, metrics: Metrics, pushed_participants: int) -> LinkReplies:
    orphans = OrphanGauge(metrics.conversation_orphans_pending)
    contradicted = ContradictedClaims(stores.posts, metrics.conversation_claims_contradicted)
    inboxes = FillInboxes(stores.inboxes, pushed_participants)
    lines = AncestorLines(
        stores.posts, stores.conversations, stores.mentions, stores.audiences, inboxes
    )
    return LinkReplies(
        stores.posts, stores.conversations, lines, orphans, contradicted, inboxes=inboxes
    )


def _lanes(
    stores: Stores, metrics: Metrics, clock: Clock, active_followers: ActiveFollowers
) -> Mapping[str, Handler[Any]]:
    """Return the handler of each lane's pages."""
    deliver = partial(
        DeliverPages,
        graph=stores.graph,
        home_timelines=stores.home_timelines,
        reposts=stores.reposts,
        metrics=metrics,
        clock=clock,
        active_followers=active_followers,
    )
    return {
        "fanout": deliver(lane="push"),
        "bulk": deliver(lane="bulk", entries_at_once=BULK_ENTRIES_AT_ONCE),
    }


REPLAYED_AT_ONCE = 262_144
"""Entries that a replay writes in one call: 16 MB packed, a thousand to each of 256 shards."""


def create_inline_handlers(  # noqa: PLR0913 - what handlers are made of
    stores: Stores,
    metrics: Metrics,
    retention: Retention,
    clock: Clock,
    *,
    backfills: bool,
    pull_followers: int,
) -> Mapping[str, Handler[Any]]:
    """By topic of facts: handlers that do themselves all that is asked for, and words as well.

    The snapshot of edges has one, too, whose versions nobody compares: it is beside the log.

    For replays: what a large batch asks for is done together, so there is one lane. Who has
    `pull_followers` is flagged and left to their readers, as live. Without `backfills` follows ask
    for nothing; every post of theirs is then replayed after them.
    """
    deliver = DeliverPages(
        graph=stores.graph,
        home_timelines=stores.home_timelines,
        reposts=stores.reposts,
        metrics=metrics,
        clock=clock,
        lane="replay",
        entries_at_once=REPLAYED_AT_ONCE,
    )
    backfill = Backfill(stores, retention, clock)
    requests = InlineOutbox(deliver, backfill if backfills else None)
    policy = FanOutPolicy(bulk_followers=0, pull_followers=pull_followers)
    agents = create_handlers(stores, requests, metrics, retention, clock, policy=policy)
    facts = [route for route in ROUTES if route.role not in REQUEST_ROLES]
    return {
        FOLLOW_EDGES: ErasedAccounts(stores.relations).wrap(
            RecordFollows(stores.graph, stores.relations, requests)
        ),
        **{
            topic: _handle_in_turn([agents[each.agent] for each in facts if each.topic == topic])
            for topic in dict.fromkeys(route.topic for route in facts)
        },
    }


def _handle_in_turn(handlers: Sequence[Handler[Any]]) -> Handler[Any]:
    async def handle(batch: Sequence[Accepted[Any]]) -> None:
        for each in handlers:
            await each(batch)

    return handle
