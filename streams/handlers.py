"""Which handler sees to which topic, under which agent's name, in which role."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from services.conversations.join import JoinConversations
from services.conversations.orphans import Orphans
from services.fanout.deliver import Backfill, DeliverPages
from services.fanout.record import RecordPosts
from services.graph.record import RecordFollows
from services.handling import Handler
from services.metrics import Metrics
from services.outbox import Outbox
from services.relations.record import RecordRelations
from services.reposts.join import JoinReposts
from services.stores import Stores
from services.timelines.retention import Clock, Retention
from services.versions import StaleVersions
from streams.backlog import Bounds


class Route(NamedTuple):
    """An agent: the topic it reads, the role whose app it belongs to, how much at a time."""

    agent: str
    topic: str
    role: str
    bounds: Bounds


ROUTES = (
    Route("posts", "posts", "ingest", Bounds()),
    Route("replies", "replies", "ingest", Bounds()),
    Route("follows", "follows", "ingest", Bounds()),
    Route("relations", "relations", "ingest", Bounds()),
    Route("fanout", "fanout-pages", "fanout", Bounds()),
    Route("backfills", "backfills", "fanout", Bounds()),
)
ROLES = tuple(dict.fromkeys(route.role for route in ROUTES))


def handlers(
    stores: Stores, requests: Outbox, metrics: Metrics, retention: Retention, clock: Clock
) -> Mapping[str, Handler[Any]]:
    """The handler of each agent, on these stores."""
    join = JoinConversations(
        stores.posts, stores.conversations, Orphans(metrics.conversation_orphans_pending)
    )
    record = RecordPosts(
        posts=stores.posts,
        timelines=stores.timelines,
        graph=stores.graph,
        conversations=join,
        reposts=JoinReposts(stores.posts, stores.reposts),
        terms=stores.terms,
        outbox=requests,
        retention=retention,
        clock=clock,
    )
    counting = StaleVersions(metrics.stale_versions).counting
    return {
        "posts": counting(record),
        "replies": counting(record),
        "follows": counting(RecordFollows(stores.graph, stores.relations, requests)),
        "relations": counting(RecordRelations(stores.relations)),
        "fanout": DeliverPages(
            graph=stores.graph,
            timelines=stores.timelines,
            reposts=stores.reposts,
            metrics=metrics,
            clock=clock,
        ),
        "backfills": Backfill(stores.timelines, stores.reposts, retention, clock),
    }
