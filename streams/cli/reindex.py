"""`mingle reindex`: indexes tags, words and audiences of posts anew, and fills inboxes."""

import json
import time
from collections.abc import Callable

import click

from schemas.ids import PostId
from services.handlers.audience_index import AudienceIndex, known_roots
from services.handlers.claim_index import reindex_posts
from services.handlers.inboxes import FillInboxes
from services.handlers.public_index import PublicIndex
from services.posts.ancestry import load_above
from services.posts.post import Post
from services.scan import MIN_TOKEN
from services.search.terms import tags_of, words_of
from services.stores import Stores
from streams.bootstrap import Deps
from streams.cli.output import json_option, progress_bar
from streams.cli.store_access import run_on_stores
from streams.pace import Pace

POSTS_AT_ONCE = 512
"""Read and indexed together: half of what the search role takes at once."""


@click.command("reindex")
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="Posts per second, at most.")
@json_option
def command(rate: float | None, as_json: bool) -> None:
    """Index the tags, words and conversations of posts anew.

    Goes through all stored posts, adds what is missing, inboxes included, and removes the tags and
    words of what is not public. It may run at any time, and again after an interruption.
    """
    started = time.monotonic()

    async def work(deps: Deps) -> int:
        with progress_bar() as bar:
            task = bar.add_task("posts", total=None)
            return await reindex(deps.stores, Pace(rate), lambda n: bar.update(task, advance=n))

    done = run_on_stores(work)
    seconds = time.monotonic() - started
    if as_json:
        click.echo(json.dumps({"posts": done, "seconds": round(seconds, 3)}))
    else:
        click.echo(f"{done:,} {'post' if done == 1 else 'posts'} indexed in {seconds:.1f} s")


async def reindex(stores: Stores, pace: Pace, on_progress: Callable[[int], object]) -> int:
    """Index every stored post as it is now. Return how many. Raises StoreUnavailable."""
    indexes = PublicIndex(stores.tags, tags_of), PublicIndex(stores.words, words_of)
    inboxes = FillInboxes(stores.inboxes)
    token: int | None = MIN_TOKEN
    done = 0
    while token is not None:
        page = await stores.posts.scan(token, POSTS_AT_ONCE)
        token = page.token
        async for portion in pace.portions(page.ids, POSTS_AT_ONCE):
            known: dict[PostId, Post] = {}
            await load_above(stores.posts, known, portion)
            await inboxes.update([known[each] for each in portion if each in known], known)
            audiences = AudienceIndex(stores.audiences, known_roots(portion, known))
            await reindex_posts(stores.posts, portion, *indexes, audiences)
            done += len(portion)
            on_progress(len(portion))
    return done
