"""Every port's contract is asked of every adapter.

* `memory`: the stores of the embedded pipeline.
* `cassandra`: the real one.
* `compacted`: Cassandra that forgets tombstones at once, each write flushed, compacted and done
  again. What held only because a tombstone was still there fails here.
"""

import asyncio
import itertools
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from schemas.ids import DAY_MS, PostId, UserId, post_id
from servers import java
from servers.server import Reachable, Server
from services.activity.cassandra import CassandraActivity
from services.audiences.cassandra import CassandraAudiences
from services.conversations.cassandra import CassandraConversations
from services.erasures.cassandra import CassandraErasures
from services.generations.memory import MemoryGenerations
from services.generations.view import FollowedGenerations
from services.graph.cassandra import CassandraGraph
from services.inboxes.cassandra import CassandraInboxes
from services.mentions.cassandra import CassandraMentions
from services.metrics.metrics import Metrics
from services.posts.cassandra import CassandraPosts
from services.pulled.cassandra import CassandraPulled
from services.quotes.cassandra import CassandraQuotes
from services.relations.cassandra import CassandraRelations
from services.reposts.cassandra import CassandraReposts
from services.retention import Retention
from services.search.cassandra import CassandraTerms
from services.search.words.cassandra import CassandraWords
from services.settings.settings import Settings
from services.storage.cluster import create_cluster
from services.storage.migrations import available_migrations, migrate
from services.storage.session import Store, connect
from services.stores import Stores
from services.timelines.cassandra import CassandraAuthorTimelines, CassandraHomeGeneration
from services.timelines.generational import GenerationalHomeTimelines
from streams.bootstrap import memory_stores
from tests.contracts.histories import NOW, NewPeople, NewPost, People

TABLES = (
    ("posts",),
    ("followers", "follower_levels", "follower_packs", "follower_changes"),
    ("author_timeline",),
    ("home_timeline", "home_buckets"),
    ("children", "author_replies", "claims"),
    ("relations", "blocks", "lists", "accounts"),
    ("post_terms", "term_buckets", "terms"),
    ("reposts", "author_reposts", "home_reposts"),
    ("word_entries", "word_buckets", "post_words", "forgotten_words"),
    ("pulled_authors",),
    ("activity",),
    ("quotes",),
    ("erasures", "accounts"),
    ("mentions", "answers"),
    ("audience_entries",),
    ("thread_posts", "participants", "inboxes"),
)
"""Of each port, in the order of `Stores`."""
WRITES = {
    "record", "blank", "hint_ancestors", "link", "add_orphans", "add_author_entries",
    "add_home_entries", "add", "forget", "withdraw", "mark_requested", "add_author_reposts",
    "add_home_reposts", "flag", "raise_numbers", "add_quotes", "add_answers", "erase",
    "add_posts", "raise_stage", "add_members", "add_entries",
    "change", "erase_edges", "erase_author", "erase_owner", "ask", "save", "finish",
}  # fmt: skip
COMPACT_SECONDS = 60
PATIENCE_SECONDS = 60.0
"""Of requests, and of changes of tables: a server that compacts, or is busy, is not away."""
JMX_PLACE = 2
"""Of the ports of a Cassandra that `servers` runs."""

ADAPTERS = [
    "memory",
    pytest.param("cassandra", marks=pytest.mark.integration),
    pytest.param("compacted", marks=pytest.mark.integration),
]


_users = itertools.count(2**40, 2**24)
"""Far apart, so that tests can number crowds from each of them."""
_posts = itertools.count()


@pytest.fixture
def new_people() -> NewPeople:
    return lambda: People(*(UserId(next(_users)) for _ in People._fields))


@pytest.fixture
def people(new_people: NewPeople) -> People:
    return new_people()


@pytest.fixture
def new_post() -> NewPost:
    def new(days_old: float = 1) -> PostId:
        return post_id(NOW - int(days_old * DAY_MS), next(_posts))

    return new


def settings_for(server: Reachable, keyspace: str) -> Settings:
    return Settings(
        cassandra_hosts=(server.host,),
        cassandra_port=server.port,
        cassandra_keyspace=keyspace,
        store_timeout_seconds=PATIENCE_SECONDS,
    )


@contextmanager
def session_on(settings: Settings) -> Iterator[Any]:
    with create_cluster(settings) as direct:
        yield direct.connect()


def migrated(settings: Settings) -> Settings:
    """A keyspace made anew, in a thread: what asks for it runs in an event loop."""
    with session_on(settings) as session:
        session.execute(
            f"DROP KEYSPACE IF EXISTS {settings.cassandra_keyspace}", timeout=PATIENCE_SECONDS
        )
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(migrate(settings, available_migrations()))).result()
    return settings


@pytest.fixture(scope="session")
def usual_keyspace(cassandra: Reachable) -> Settings:
    return migrated(settings_for(cassandra, "contract_tests"))


@pytest.fixture(scope="session")
def forgetful_keyspace(cassandra: Reachable) -> Settings:
    settings = migrated(settings_for(cassandra, "forgetful_contract_tests"))
    keyspace = settings.cassandra_keyspace
    with session_on(settings) as session:
        for table in session.cluster.metadata.keyspaces[keyspace].tables:
            session.execute(
                f"ALTER TABLE {keyspace}.{table} WITH gc_grace_seconds = 0",
                timeout=PATIENCE_SECONDS,
            )
    return settings


class Compactor:
    """A process that has Cassandra flush and compact tables."""

    def __init__(self, jmx_port: int) -> None:
        source = Path(__file__).with_name("Compactor.java")
        command = [java.find_java().program, "-Xmx64m", str(source), str(jmx_port)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._expect("connected")

    def compact(self, keyspace: str, tables: Sequence[str]) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{' '.join((keyspace, *tables))}\n")
        self._process.stdin.flush()
        self._expect("compacted")

    def close(self) -> None:
        self._process.communicate(timeout=COMPACT_SECONDS)

    def _expect(self, said: str) -> None:
        assert self._process.stdout
        assert self._process.stdout.readline() == f"{said}\n"


class Compactors:
    """One compactor at a time: another test may have killed the server that it was connected to."""

    def __init__(self) -> None:
        self._server: int | None = None
        self._compactor: Compactor | None = None

    def of(self, server: Reachable) -> Compactor:
        pid = server.pid if isinstance(server, Server) else None
        if self._compactor is None or pid != self._server:
            self.close()
            self._server, self._compactor = pid, Compactor(server.port + JMX_PLACE)
        return self._compactor

    def close(self) -> None:
        if self._compactor is not None:
            self._compactor.close()


@pytest.fixture(scope="session")
def compactors() -> Iterator[Compactors]:
    compactors = Compactors()
    yield compactors
    compactors.close()


@pytest.fixture
def compactor(cassandra: Reachable, compactors: Compactors) -> Compactor:
    return compactors.of(cassandra)


class Compacted:
    """A port that reads what was written, compacted, and all written again in the same order."""

    def __init__(self, port: Any, compact: Callable[[], Awaitable[None]]) -> None:
        self._port = port
        self._compact = compact
        self._written: list[Callable[[], Awaitable[None]]] = []

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)

        async def write(*arguments: Any) -> None:
            await method(*arguments)
            self._written.append(partial(method, *arguments))

        async def read(*arguments: Any, **named: Any) -> Any:
            if self._written:
                await self._compact()
                while self._written:
                    await self._written.pop(0)()
            return await method(*arguments, **named)

        return write if name in WRITES else read


def on(store: Store) -> Stores:
    return Stores(
        CassandraPosts(store),
        CassandraGraph(store, lambda: NOW, packed_from=3, changes=2),
        CassandraAuthorTimelines(store),
        GenerationalHomeTimelines(
            FollowedGenerations(MemoryGenerations().load),
            lambda name: CassandraHomeGeneration(
                store, Retention(days=30), lambda: NOW, generation=name
            ),
        ),
        CassandraConversations(store),
        CassandraRelations(store),
        CassandraTerms(store),
        CassandraReposts(store, Retention(days=30), lambda: NOW),
        CassandraWords(store),
        CassandraPulled(store, Retention(days=30), lambda: NOW),
        CassandraActivity(store),
        CassandraQuotes(store),
        CassandraErasures(store),
        CassandraMentions(store, Retention(days=30), lambda: NOW),
        CassandraAudiences(store),
        CassandraInboxes(store, Retention(days=30), lambda: NOW),
    )


@pytest.fixture(params=ADAPTERS)
async def stores(request: pytest.FixtureRequest) -> AsyncIterator[Stores]:
    if request.param == "memory":
        yield memory_stores()
        return
    forgetful = request.param == "compacted"
    settings: Settings = request.getfixturevalue(
        "forgetful_keyspace" if forgetful else "usual_keyspace"
    )
    store = await connect(settings, Metrics(CollectorRegistry()))
    try:
        if forgetful:
            compactor: Compactor = request.getfixturevalue("compactor")
            compact = partial(compactor.compact, settings.cassandra_keyspace)
            yield Stores(
                *(
                    Compacted(port, partial(asyncio.to_thread, compact, tables))
                    for port, tables in zip(on(store), TABLES, strict=True)
                )
            )
        else:
            yield on(store)
    finally:
        await store.close()
