"""`mingle verify`: checks that homes and threads show what they must."""

import asyncio
import json
import sys
from collections.abc import Collection
from operator import itemgetter
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
ADVICE: Final = {
    "homes": "mingle rebuild",
    "threads": "mingle replay plan --conversation",
}
"""The command that repairs each listing."""


@click.command("verify")
@click.option(
    "--users", "count", default=50, show_default=True, type=click.IntRange(1, 100_000),
    metavar="N", help="Check this many users and posts, drawn at random.",
)  # fmt: skip
@click.option("--user", "users", multiple=True, type=click.IntRange(min=1),
              help="Check the home of this user instead; repeatable.")  # fmt: skip
@click.option("--every", type=click.FloatRange(1), metavar="SECONDS",
              help="Repeat until stopped, with metrics at MINGLE_METRICS_PORT.")  # fmt: skip
@click.option("--seed", type=int, help="Draw the same users and posts again.")
@json_option
def command(
    count: int, users: tuple[int, ...], every: float | None, seed: int | None, as_json: bool
) -> None:
    """Check that homes and threads show what they must.

    Compares a home with the author timelines of the user's followees, and a post with its thread,
    its author's timeline and the author's home. Changes nothing. A difference counts when it
    stands in three checks within ten seconds, since some posts are always on their way; posts
    that lagging workers have not delivered by then count as missing.

    The exit code is 1 if anything is missing or extra.
    """
    chosen = [UserId(each) for each in users]

    async def work(deps: Deps) -> bool:
        verifier = Verifier(deps, Random(seed))
        if every is None:
            result = await verifier.verify_sample(count, chosen)
            _report(result, as_json)
            return result.is_whole
        async with health_site(deps, []):
            while True:
                _report(await verifier.verify_sample(count, chosen), as_json)
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
            kinds = (("missing", difference.missing), ("extra", difference.extra))
            click.echo(
                f"  {name}: "
                + "; ".join(
                    f"{len(places):,} {kind}, such as {', '.join(_posts(places)[-3:])}"
                    for kind, places in kinds
                    if places
                )
            )
        if sample.differing:
            named = " ".join(map(str, list(sample.differing)[:MAX_NAMED]))
            click.echo(f"  to repair: {ADVICE[listing]} {named}")


def _as_json(sample: SampleResult) -> dict[str, Any]:
    return {
        "looked_at": sample.looked_at,
        "skipped": sample.skipped,
        "missing": sample.missing,
        "extra": sample.extra,
        "differing": [
            {
                "id": str(name),
                "missing": _posts(difference.missing),
                "extra": _posts(difference.extra),
            }
            for name, difference in sample.differing.items()
        ],
    }


def _posts(places: Collection[tuple[PostId, Any]]) -> list[str]:
    return [str(post) for post, _ in sorted(places, key=itemgetter(0))]
