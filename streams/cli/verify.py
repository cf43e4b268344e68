"""`mingle verify`: what is shown, compared with what must be."""

import asyncio
import json
import sys
from random import Random
from typing import Any, Final

import click

from schemas.ids import UserId
from services.verification.sample import SampleResult
from streams.bootstrap import Deps
from streams.cli.store_access import run_on_stores
from streams.process.processes import health_site
from streams.verification import VerificationResult, Verifier

SHOWN: Final = 20
"""Of many that differ, those that are named; `--json` names all."""
ADVICE: Final = {
    "homes": "mingle rebuild",
    "threads": "mingle replay plan --conversation",
}
"""What mends each."""


@click.command("verify")
@click.option(
    "--users", "count", default=50, show_default=True, type=click.IntRange(1, 100_000),
    metavar="N", help="Look at so many users, and at so many posts, drawn by chance.",
)  # fmt: skip
@click.option("--user", "users", multiple=True, type=click.IntRange(min=1),
              help="At this one instead; repeatable.")  # fmt: skip
@click.option("--every", type=click.FloatRange(1), metavar="SECONDS",
              help="Go on, with metrics at MINGLE_METRICS_PORT, until stopped.")  # fmt: skip
@click.option("--seed", type=int, help="Draw the same ones again.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, a line for each look.")
def command(
    count: int, users: tuple[int, ...], every: float | None, seed: int | None, as_json: bool
) -> None:
    """Compare what is shown with what must be.

    A home is held against the author timelines of those whom its user follows, a post against its
    thread, its author's page and his home. Changes nothing; what differs must do so in three looks
    within ten seconds, for some post is always on its way. While workers lag by more than that,
    what they have not delivered is missing.

    The exit code is 1 where anything is missing or extra.
    """
    asked = [UserId(each) for each in users]

    async def work(deps: Deps) -> bool:
        verification = Verifier(deps, Random(seed))
        if every is None:
            looked = await verification.verify_sample(count, asked)
            _report(looked, as_json)
            return looked.is_whole
        async with health_site(deps, []):
            while True:
                _report(await verification.verify_sample(count, asked), as_json)
                await asyncio.sleep(every)

    try:
        sys.exit(0 if run_on_stores(work) else 1)
    except KeyboardInterrupt:
        sys.exit(0)


def _report(looked: VerificationResult, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({name: _plain(found) for name, found in looked._asdict().items()}))
        return
    for listing, found in looked._asdict().items():
        skipped = f", {found.skipped:,} not comparable" if found.skipped else ""
        click.echo(
            f"{listing}: {found.looked_at:,} looked at{skipped}, "
            f"{found.missing:,} missing, {found.extra:,} extra"
        )
        for each, differs in list(found.differing.items())[:SHOWN]:
            lacking = [str(post) for post, _ in sorted(differs.missing)[-3:]]
            over = [str(post) for post, _ in sorted(differs.extra)[-3:]]
            what = "; ".join(
                f"{len(places):,} {kind}, as {', '.join(some)}"
                for kind, places, some in (
                    ("missing", differs.missing, lacking), ("extra", differs.extra, over),
                )
                if places
            )  # fmt: skip
            click.echo(f"  {each}: {what}")
        if found.differing:
            named = " ".join(map(str, list(found.differing)[:SHOWN]))
            click.echo(f"  to mend: {ADVICE[listing]} {named}")


def _plain(found: SampleResult) -> dict[str, Any]:
    return {
        "looked_at": found.looked_at,
        "skipped": found.skipped,
        "missing": found.missing,
        "extra": found.extra,
        "differing": [
            {
                "id": str(each),
                "missing": [str(post) for post, _ in sorted(places.missing, key=str)],
                "extra": [str(post) for post, _ in sorted(places.extra, key=str)],
            }
            for each, places in found.differing.items()
        ],
    }
