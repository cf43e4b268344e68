"""A village on memory stores behind the real API; events are handled at once."""

from collections.abc import Sequence
from itertools import count
from typing import Any

import httpx
from litestar import Litestar
from prometheus_client import CollectorRegistry

from schemas import events, relations
from schemas.ids import PostId, post_id
from schemas.requests import DeliverPage
from services.activity.inactive_users import InactiveUsers
from services.api.app import build_api
from services.api.wait_for import MAX_WAIT
from services.handlers.handler import Accepted
from services.handlers.outbox import MemoryRequestOutbox
from services.handlers.pages import FanOutPolicy
from services.metrics.metrics import Metrics
from services.retention import Retention
from services.settings.settings import Settings
from services.stores import Stores
from streams.bootstrap import memory_stores
from streams.routes import BY_DEFAULT, create_handlers

NOW = 1_790_000_000_000
MINUTE = 60_000
ALICE, BOB, CAROL = 1, 2, 3


def memory() -> Stores:
    return memory_stores()


def api_on(
    stores: Stores,
    metrics: Metrics | None = None,
    max_wait_seconds: float = MAX_WAIT,
    **settings: Any,
) -> Litestar:
    measured = metrics or Metrics(CollectorRegistry())
    given = Settings(**{"api_rate": 0} | settings)
    return build_api(stores, given, measured, lambda: NOW, max_wait_seconds)


def client_of(app: Litestar) -> httpx.AsyncClient:
    """Return a client that gets bugs as answers, as from a server."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://village")


class Village:
    """Alice, Bob and Carol and what they do; times are in minutes ago."""

    def __init__(self, policy: FanOutPolicy = BY_DEFAULT, inactive_days: int = 0) -> None:
        self.stores = memory()
        self._requests = MemoryRequestOutbox()
        self.dormant = InactiveUsers(self.stores.activity, inactive_days, lambda: NOW, lambda: 0.0)
        metrics = Metrics(CollectorRegistry())
        self._handlers = create_handlers(
            self.stores,
            self._requests,
            metrics,
            Retention(),
            lambda: NOW,
            policy=policy,
            active_followers=self.dormant.active_followers,
        )
        self._sequence = count()

    async def follows(self, follower: int, followee: int, **options: Any) -> None:
        fact = events.FollowCreated(
            version=NOW * 1_000, follower_id=follower, followee_id=followee, **options
        )
        await self._handle("follows", [fact])

    async def follows_tag(self, owner: int, tag: str) -> None:
        await self.says(relations.TagFollowCreated(version=NOW * 1_000, owner_id=owner, tag=tag))

    async def lists(self, owner: int, list_id: int, *members: int, **options: Any) -> None:
        """Create a list with its members."""
        whose: dict[str, Any] = {"version": NOW * 1_000, "owner_id": owner, "list_id": list_id}
        added = [relations.ListMemberAdded(**whose, member_id=each) for each in members]
        await self.says(relations.ListCreated(**whose, **options), *added)

    async def says(self, *facts: relations.RelationFact) -> None:
        await self._handle("relations", facts)

    async def post(self, author: int, minutes_ago: float = 1, **fields: Any) -> PostId:
        """Publish a post and deliver it to the followers."""
        time = NOW - int(minutes_ago * MINUTE)
        created = post_id(time, next(self._sequence))
        kind = events.ReplyCreated if "parent_id" in fields else events.PostCreated
        fact = kind(version=time * 1_000, post_id=created, author_id=author, **fields)
        await self._handle("posts", [fact])
        return created

    async def reply(
        self, author: int, parent: int, minutes_ago: float = 1, **fields: Any
    ) -> PostId:
        return await self.post(author, minutes_ago, parent_id=parent, **fields)

    async def edit(self, author: int, post: int, **fields: Any) -> None:
        fact = events.PostEdited(version=NOW * 1_000, post_id=post, author_id=author, **fields)
        await self._handle("posts", [fact])

    async def delete(self, author: int, post: int) -> None:
        fact = events.PostDeleted(version=NOW * 1_000, post_id=post, author_id=author)
        await self._handle("posts", [fact])

    async def _handle(self, agent: str, messages: Sequence[Any]) -> None:
        await self._handlers[agent]([Accepted(each, NOW) for each in messages])
        if agent == "posts":
            await self._handlers["words"]([Accepted(each, NOW) for each in messages])
        while self._requests.sent:
            request = self._requests.sent.pop()
            await self._handle(
                "fanout" if isinstance(request, DeliverPage) else "backfills", [request]
            )
