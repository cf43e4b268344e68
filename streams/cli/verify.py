"""`mingle verify`: checks that homes and threads show what they must."""

import asyncio
import json
import sys
from random import Random
from typing import Any, Final

import click

from schemas.ids import PostId, UserId
from services.verification.sample import SampleResult
from streams.bootstrap import Deps
from streams.cli.output import json_option
from streams.cli.store_access import run_on_stores
from streams.process.processes import health_site
from streams.verification import VerificationResult, Verifier

MAX_NAMED: Final = 20
"""Users or posts that differ and are named; `--json` names all."""
SAMPLE: Final = 50
"""Users, and posts, that are drawn unless some are named."""
ADVICE: Final = {
    "homes": "mingle rebuild {}",
    "threads": "mingle replay plan --conversation POST, for each of {}",
}
"""The command that repairs each listing."""


@click.command("verify")
@click.option("--users", "count", type=click.IntRange(1, 100_000), metavar="N",
              help=f"Check this many users and posts, drawn at random; {SAMPLE} by "
              "default.")  # fmt: skip
@click.option("--user", "users", multiple=True, type=click.IntRange(min=1),
              help="Check only the home of this user, and what else is named; "
              "repeatable.")  # fmt: skip
@click.option("--post", "posts", multiple=True, type=click.IntRange(min=1),
              help="Check only this post in its thread, its author's timeline and the author's "
              "home, and what else is named; repeatable.")  # fmt: skip
@click.option("--every", type=click.FloatRange(1), metavar="SECONDS",
              help="Repeat until stopped, with metrics at MINGLE_METRICS_PORT.")  # fmt: skip
@click.option("--seed", type=int, help="Draw the same users and posts again.")
@json_option
def command(  # noqa: PLR0913 - one for each option
    *,
    count: int | None,
    users: tuple[int, ...],
    posts: tuple[int, ...],
    every: float | None,
    seed: int | None,
    as_json: bool,
) -> None:
    """Check that homes and threads show what they must.

    Compares a home with the author timelines of the user's followees, and a post with its thread,
    its author's timeline, the author's home, and the mentions, answers and inboxes of those whom it
    speaks to. Changes nothing. A difference counts when it
    stands in three checks within ten seconds, since some posts are always on their way; posts
    that lagging workers have not delivered by then count as missing.

    The exit code is 1 if anything is missing or extra.
    """
    named_users, named_posts = list(map(UserId, users)), list(map(PostId, posts))
    if count is not None and (users or posts):
        raise click.UsageError("--users: expected none beside --user and --post, which name all")

    async def look(verifier: Verifier) -> VerificationResult:
        if users or posts:
            result = await verifier.verify(named_users, named_posts)
        else:
            result = await verifier.verify_sample(count or SAMPLE)
        _report(result, as_json)
        return result

    async def work(deps: Deps) -> bool:
        verifier = Verifier(deps, Random(seed))
        if every is None:
            return (await look(verifier)).is_whole
        deps.metrics.announce(["verify"])
        async with health_site(deps, []):
            while True:
                await look(verifier)
                await asyncio.sleep(every)

    try:
        sys.exit(0 if run_on_stores(work) else 1)
    except KeyboardInterrupt:
        sys.exit(0)


def _report(result: VerificationResult, as_json: bool) -> None:
    if as_json:
        listings = {name: _as_json(sample) for name, sample in result._asdict().items()}
        click.echo(json.dumps(listings))
        return
    for listing, sample in result._asdict().items():
        skipped = f", {sample.skipped:,} not comparable" if sample.skipped else ""
        click.echo(
            f"{listing}: {sample.looked_at:,} checked{skipped}, "
            f"{sample.missing:,} missing, {sample.extra:,} extra"
        )
        for name, difference in list(sample.differing.items())[:MAX_NAMED]:
            kinds = (("missing", difference.missing_posts), ("extra", difference.extra_posts))
            click.echo(
                f"  {name}: "
                + "; ".join(
                    f"{len(ids):,} {kind}, such as {', '.join(map(str, ids[-3:]))}"
                    for kind, ids in kinds
                    if ids
                )
            )
        if sample.differing:
            named = " ".join(map(str, list(sample.differing)[:MAX_NAMED]))
            click.echo(f"  to repair: {ADVICE[listing].format(named)}")


def _as_json(sample: SampleResult) -> dict[str, Any]:
    return {
        "looked_at": sample.looked_at,
        "skipped": sample.skipped,
        "missing": sample.missing,
        "extra": sample.extra,
        "differing": [
            {
                "id": str(name),
                "missing": list(map(str, difference.missing_posts)),
                "extra": list(map(str, difference.extra_posts)),
            }
            for name, difference in sample.differing.items()
        ],
    }
