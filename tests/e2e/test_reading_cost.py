"""What a home page costs the store: bounded by the page, not by the viewer.

The eight requests of a page of twenty: which buckets there are, their entries, what the viewer set
for himself, the posts, what is above them, what was reposted to him in their windows, how he stands
to everybody on the page, and who of them is suspended. One more loads reposts that lie elsewhere,
another what is above the replies that posts quote.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any
from uuid import uuid4

import pytest
import uvloop

from schemas.events import FollowCreated, PostCreated, PostDeleted, PostFact, ReplyCreated
from schemas.ids import PostId, UserId, post_id, post_time
from schemas.relations import ReadMarked, TagFollowCreated, TagFollowDeleted, ThreadMuteCreated
from servers.server import Reachable
from services.clock import now_us
from services.graph.edge import edge_mutation
from services.handlers.handler import Accepted
from services.handlers.outbox import MemoryRequestOutbox
from services.handlers.pages import FanOutPolicy
from services.readers.author import AuthorPosts
from services.readers.conversants import ConversantsReader
from services.readers.home import Home
from services.readers.inbox import InboxReader
from services.readers.item import Reason
from services.readers.mentions import MentionsReader
from services.readers.paging import PageRequest
from services.readers.quotes import QuotesOfPosts
from services.readers.reader import Reader
from services.readers.signal import Signal
from services.readers.unanswered import Unanswered
from services.relations.mutation import relation_mutation
from services.settings.settings import Settings
from services.storage.migrations import available_migrations, migrate
from streams.bootstrap import Deps, cassandra_stores, connect_store, create_metrics
from streams.routes import BY_DEFAULT, create_handlers
from tests.e2e.comparison import connected
from tests.e2e.replays import all_tables, lose

NOW = 1_700_000_000_000
VIEWER = UserId(1)
FOLLOWED = 100_000
TALKER = UserId(FOLLOWED + 8)
MOST_REQUESTS = 8
MOST_FOR_SIGNAL = 12
MOST_FOR_CONVERSANTS = 12
MOST_FOR_TALK = 12
MOST_FOR_TAGS = 2
MOST_FOR_REPOSTS = 1
MOST_FOR_QUOTES = 1
MOST_FOR_PULLED = 2
MOST_FOR_LISTED_QUOTES = 7 + 11
MOST_FOR_AN_AUTHOR = 7
PULLED = 1_000
EDGES_AT_ONCE = 5_000
FOLLOWS = ("follow", "relations", "generations")
"""How tables are called that hold who follows whom, and which homes there are."""
TAG = "bread"


@pytest.fixture(scope="module")
def settings(cassandra: Reachable) -> Settings:
    """A keyspace in which the viewer follows 100,000, who have written nothing."""
    settings = Settings(
        cassandra_hosts=(cassandra.host,),
        cassandra_port=cassandra.port,
        cassandra_keyspace=f"reading_{uuid4().hex[:12]}",
    )

    async def fill() -> None:
        await migrate(settings, available_migrations())
        async with connected(settings) as deps:
            for start in range(2, FOLLOWED + 2, EDGES_AT_ONCE):
                await follow(deps, VIEWER, range(start, start + EDGES_AT_ONCE))

    uvloop.run(fill())
    return settings


@pytest.fixture
async def deps(settings: Settings) -> AsyncIterator[Deps]:
    """The stores, without what an earlier test wrote into them."""
    lose(settings, *(each for each in all_tables(settings) if not each.startswith(FOLLOWS)))
    metrics = create_metrics()
    store = await connect_store(settings, metrics)
    deps = Deps(settings, metrics, cassandra_stores(store, settings, lambda: NOW), lambda: NOW)
    no_tag = TagFollowDeleted(version=now_us(), owner_id=VIEWER, tag=TAG)
    await deps.stores.relations.record([relation_mutation(no_tag)])
    yield deps
    await store.close()


async def test_a_page_of_twenty_takes_eight_store_requests(deps: Deps) -> None:
    """Also for a viewer who follows 100,000, with replies down to the tenth level on the page.

    Two more for whoever follows tags.
    """
    await publish(deps, [*conversation(10), *(post(100 + n, author=n) for n in range(2, 32))])
    home = Home(Reader(deps.stores, deps.clock, deps.settings.epoch), deps.retention)
    await home.page(VIEWER, PageRequest())  # statements are prepared

    before = requests(deps)
    page = await home.page(VIEWER, PageRequest())

    assert len(page.items) == 20
    assert any(item.parent_id for item in page.items)
    assert requests(deps) - before <= MOST_REQUESTS

    follow_tag = TagFollowCreated(version=now_us(), owner_id=VIEWER, tag=TAG)
    await deps.stores.relations.record([relation_mutation(follow_tag)])
    await publish(deps, [post(300, author=FOLLOWED + 9, tags=(TAG.title(),))])
    await home.page(VIEWER, PageRequest())
    before = requests(deps)
    page = await home.page(VIEWER, PageRequest())
    assert page.items[0].reason == Reason("tag", UserId(FOLLOWED + 9))
    assert requests(deps) - before <= MOST_REQUESTS + MOST_FOR_TAGS


async def test_a_mark_takes_no_request_where_it_is_on_the_page(deps: Deps) -> None:
    """Where it is further down, the entries between are judged as one page more."""
    posts = [post(100 + n, author=2 + n) for n in range(60)]
    await publish(deps, posts)
    home = Home(Reader(deps.stores, deps.clock, deps.settings.epoch), deps.retention)
    await home.marked_page(VIEWER, PageRequest())
    for newer, most in ((10, MOST_REQUESTS), (50, 2 * MOST_REQUESTS)):
        up_to = posts[-1 - newer].post_id
        mark = ReadMarked(version=newer, owner_id=VIEWER, what="home", up_to=up_to)
        await deps.stores.relations.record([relation_mutation(mark)])
        before = requests(deps)
        page = await home.marked_page(VIEWER, PageRequest())
        assert (page.mark, page.unread) == (up_to, newer)
        assert requests(deps) - before <= most


async def test_a_page_of_signal_takes_twelve_store_requests(deps: Deps) -> None:
    """With 500 entries to order, replies to them, and posts of the viewer's own."""
    begun = [post(100 + n, author=2 + n % 300) for n in range(400)]
    answers = [post(1_000 + n, author=2 + n, parent=100 + n) for n in range(300)]
    own = [post(2_000 + n, author=VIEWER, parent=100 + 2 * n) for n in range(100)]
    await publish(deps, [*begun, *answers, *own])
    now = max(post_time(each.post_id, deps.settings.epoch) for each in own) + 1
    reader = Reader(deps.stores, lambda: now, deps.settings.epoch)
    signal = Signal(Home(reader, deps.retention))
    await signal.page(VIEWER, 20)  # statements are prepared
    before = requests(deps)
    page = await signal.page(VIEWER, 20)
    assert len(page.items) == 20
    assert all(item.because for item in page.items)
    assert requests(deps) - before <= MOST_FOR_SIGNAL


async def test_conversants_take_twelve_store_requests(deps: Deps) -> None:
    """With as much of everything as is looked at, and 200 people who might be followed."""
    partners = [UserId(FOLLOWED + 10 + n) for n in range(24)] + [UserId(2)]
    begun = [post(n, author=FOLLOWED + 100 + n) for n in range(400)]
    own = [post(1_000 + n, author=VIEWER, parent=n % 400) for n in range(200)]
    said = [post(2_000 + n, author=each, parent=1_000 + n) for n, each in enumerate(partners * 8)]
    own += [post(3_000 + n, author=VIEWER, parent=2_000 + n) for n in range(200)]
    others = [post(4_000 + n, author=each, parent=n % 400) for n, each in enumerate(partners * 30)]
    await publish(deps, [*begun, *own, *said, *others])
    now = max(post_time(each.post_id, deps.settings.epoch) for each in others) + 1
    reader = ConversantsReader(
        Reader(deps.stores, lambda: now, deps.settings.epoch), deps.retention
    )
    await reader.read(VIEWER)  # statements are prepared
    before = requests(deps)
    found = await reader.read(VIEWER)
    assert {each.user_id for each in found if not each.follow} == set(partners)
    assert len(found) == 50
    assert all(each.in_common or each.reason == "answered_by_you" for each in found[25:])
    assert requests(deps) - before <= MOST_FOR_CONVERSANTS


async def test_quotes_take_one_request_more(deps: Deps) -> None:
    """However many there are: it loads what is above the replies that they quote."""
    quoted = [*conversation(10), *(post(100 + n, author=FOLLOWED + 9) for n in range(20))]
    quotes = [
        post(300 + n, author=2 + n, quote_of=each.post_id) for n, each in enumerate(quoted[5:25])
    ]
    await publish(deps, [*quoted, *quotes])
    home = Home(Reader(deps.stores, deps.clock, deps.settings.epoch), deps.retention)
    await home.page(VIEWER, PageRequest())
    before = requests(deps)
    page = await home.page(VIEWER, PageRequest())
    assert [item.quote and item.quote.item is not None for item in page.items] == [True] * 20
    assert requests(deps) - before <= MOST_REQUESTS + MOST_FOR_QUOTES


async def test_listings_by_audience_take_requests_by_the_viewer_alone(deps: Deps) -> None:
    """Eleven find what is for the followers of 5,000 followees, whatever is for those of others."""
    root = post(1, author=FOLLOWED + 9)
    followers = {"quote_of": root.post_id, "visibility": "followers"}
    hidden = [post(10 + n, author=FOLLOWED + 10 + n, **followers) for n in range(200)]
    shown = [post(500 + n, author=2 + n, **followers) for n in range(20)]
    await publish(deps, [root, *hidden, *shown])
    reader = Reader(deps.stores, deps.clock, deps.settings.epoch)
    quotes, authors = QuotesOfPosts(reader), AuthorPosts(reader)
    await quotes.page(PostId(root.post_id), VIEWER, PageRequest())
    before = requests(deps)
    page = await quotes.page(PostId(root.post_id), VIEWER, PageRequest())
    assert page is not None
    assert [item.author_id for item in page.items] == [each.author_id for each in shown[::-1]]
    assert requests(deps) - before <= MOST_FOR_LISTED_QUOTES
    for author, items in ((2, 1), (FOLLOWED + 10, 0)):
        before = requests(deps)
        assert len((await authors.page(UserId(author), VIEWER, PageRequest())).items) == items
        assert requests(deps) - before <= MOST_FOR_AN_AUTHOR


async def test_reposts_take_one_request_more(deps: Deps) -> None:
    """However many there are: fifty originals of a page reposted by five people each."""
    originals = [post(100 + n, author=2 + n) for n in range(50)]
    reposts = [
        post(200 + 5 * n + k, author=500 + k, repost_of=original.post_id)
        for n, original in enumerate(originals)
        for k in range(5)
    ]
    elsewhere = post(20, author=FOLLOWED + 9)
    again = [post(90 + n, author=600 + n, repost_of=elsewhere.post_id) for n in range(5)]
    last = post(900, author=700, repost_of=elsewhere.post_id)
    await publish(deps, [*originals, *reposts, elsewhere, *again, last])
    home = Home(Reader(deps.stores, deps.clock, deps.settings.epoch), deps.retention)
    page = await home.page(VIEWER, PageRequest(before=reposts[0].post_id))
    before = requests(deps)
    page = await home.page(VIEWER, PageRequest(before=reposts[0].post_id))
    assert len(page.items) == 20
    assert all(item.repost and len(item.repost.by) == 5 for item in page.items)
    assert requests(deps) - before <= MOST_REQUESTS + MOST_FOR_REPOSTS
    newest = (await home.page(VIEWER, PageRequest())).items
    assert last.post_id not in {item.post_id for item in newest}


async def test_pulled_authors_take_two_requests_more(deps: Deps) -> None:
    """A thousand of them, of whom the viewer follows a hundred; none for who follows none.

    Whom he follows of them is asked with what he set for himself; what they wrote, and what they
    reposted in the windows of the page, are the two.
    """
    everybody = FanOutPolicy(pull_followers=1)
    strangers = range(FOLLOWED + 10, FOLLOWED + PULLED - 90)
    followed = range(2, 102)
    stranger = UserId(FOLLOWED + 5)
    await follow(deps, stranger, strangers)
    await publish(deps, [post(50 + n, author=each) for n, each in enumerate(strangers)], everybody)
    await publish(deps, [post(300 + n, author=each) for n, each in enumerate(followed)], everybody)
    home = Home(Reader(deps.stores, deps.clock, deps.settings.epoch), deps.retention)
    assert len(await home.pulled_authors.flagged_buckets()) == PULLED
    await home.page(VIEWER, PageRequest())
    before = requests(deps)
    page = await home.page(VIEWER, PageRequest())
    assert [item.author_id for item in page.items] == sorted(followed, reverse=True)[:20]
    assert requests(deps) - before <= MOST_REQUESTS + MOST_FOR_PULLED
    before = requests(deps)
    assert (await home.page(UserId(FOLLOWED + 6), PageRequest())).items == []
    assert requests(deps) - before <= MOST_REQUESTS


async def test_what_speaks_to_somebody_takes_twelve_store_requests(deps: Deps) -> None:
    """Also with gates, quotes, mutes of threads, deleted answers and a pulled conversation."""
    # Who once muted a thread pays for that on each page: not the viewer of the other tests.
    await follow(deps, TALKER, range(2, 2_000))
    gate = {"reply_gate": ("followers", "followed", "mentioned")}
    gated = [gate | {"mentions": (TALKER, 40 + n)} if n % 2 else {} for n in range(30)]
    roots = [post(100 + n, author=2 + n, **gated[n]) for n in range(30)]
    own = [post(200 + n, author=TALKER, parent=100 + n) for n in range(30)]
    answers = [post(300 + n, author=2 + n, parent=200 + n) for n in range(30)]
    deeper = [post(400 + n, author=40 + n, parent=300 + n) for n in range(30)]
    quotes = [post(500 + n, author=90 + n, quote_of=own[n].post_id) for n in range(5)]
    named = [
        post(600 + n, author=40 + n % 30, parent=100 + n % 30, mentions=(TALKER,))
        for n in range(40)
    ]
    again = [post(700 + n, author=TALKER, parent=620 + n) for n in range(20)]
    gone = [
        PostDeleted(version=now_us(), post_id=each.post_id, author_id=TALKER) for each in again[:10]
    ]
    many = [post(800 + n, author=1_000 + n, parent=128) for n in range(60)]
    await publish(deps, [*roots, *own, *answers, *deeper, *quotes, *named, *again, *gone, *many])
    said = {"version": now_us(), "owner_id": TALKER}
    mutes = [ThreadMuteCreated(**said, root_id=each.post_id, everywhere=True) for each in roots[:3]]
    await deps.stores.relations.record(list(map(relation_mutation, mutes)))
    now = max(post_time(each.post_id, deps.settings.epoch) for each in many) + 1
    reader = Reader(deps.stores, lambda: now, deps.settings.epoch)
    mentions = MentionsReader(reader, deps.retention)
    unanswered, inbox = Unanswered(mentions), InboxReader(reader, deps.retention)

    async def cost(read: Callable[[], Awaitable[Any]]) -> tuple[Any, float]:
        await read()  # statements are prepared
        before = requests(deps)
        found = await read()
        return found, requests(deps) - before

    page, took = await cost(lambda: mentions.page(TALKER, PageRequest()))
    assert (len(page.items), took <= MOST_FOR_TALK) == (20, True), took
    page, took = await cost(lambda: unanswered.page(TALKER, PageRequest()))
    assert (len(page.items), took <= MOST_FOR_TALK) == (20, True), took
    (talks, place), took = await cost(lambda: inbox.page(TALKER, None, 20))
    assert (len(talks), took <= MOST_FOR_TALK) == (20, True), took
    assert (talks[0].participant_count, talks[0].new) == (63, 63)
    (talks, _), took = await cost(lambda: inbox.page(TALKER, place, 20))
    assert (len(talks), took <= MOST_FOR_TALK) == (7, True), took


async def follow(deps: Deps, viewer: UserId, followees: Iterable[int]) -> None:
    edges = [FollowCreated(version=1, follower_id=viewer, followee_id=each) for each in followees]
    await deps.stores.graph.record([edge_mutation(each) for each in edges])
    await deps.stores.relations.record([relation_mutation(each) for each in edges])


def post(number: int, author: int, parent: int | None = None, **fields: Any) -> PostFact:
    minutes = NOW - 3_600_000 + number * 10_000
    said: dict[str, Any] = {
        "version": minutes * 1_000,
        "post_id": post_id(minutes, number),
        "author_id": author,
        "text": f"words of {author}",
    } | fields
    if parent is None:
        return PostCreated(**said)
    above = post_id(NOW - 3_600_000 + parent * 10_000, parent)
    return ReplyCreated(**said, parent_id=above)


def conversation(levels: int) -> list[PostFact]:
    """A line of replies, each by another followee, newer than what else there is."""
    chain = [post(200, author=2)]
    return chain + [post(200 + n, author=2 + n, parent=199 + n) for n in range(1, levels)]


async def publish(deps: Deps, facts: list[PostFact], policy: FanOutPolicy = BY_DEFAULT) -> None:
    outbox = MemoryRequestOutbox()
    see_to = create_handlers(
        deps.stores, outbox, deps.metrics, deps.retention, deps.clock, policy=policy
    )
    await see_to["posts"]([Accepted(fact, NOW) for fact in facts])
    if outbox.sent:
        await see_to["fanout"]([Accepted(page, NOW) for page in outbox.sent])


def requests(deps: Deps) -> float:
    """But for the list of generations, which a process reads once a second for all pages."""
    name = "timeline_store_request_seconds"
    samples = [each for family in deps.metrics.registry.collect() for each in family.samples]
    return sum(
        each.value
        for each in samples
        if each.name == f"{name}_count" and each.labels["table"] != "generations"
    )
