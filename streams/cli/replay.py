"""`mingle replay`: events applied again, by a plan."""

import asyncio
import json
import sys
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random, SystemRandom
from typing import Any, Final, Self

import click
import msgspec
from msgspec.structs import replace
from rich.console import Console

from services.clock import now_ms
from services.errors import MingleError
from services.settings.settings import Settings
from streams.bootstrap import Deps, cassandra_stores, create_replay, repair_stores
from streams.cli.configuration import load_settings
from streams.cli.dead_letter_options import run_async
from streams.cli.edges import snapshot_edges
from streams.cli.generations import (
    COMMANDS,
    GenerationName,
    complete_generation,
    generation_of,
    generations_of,
    is_filled,
    prepare_generation,
)
from streams.cli.progress import progress_bar
from streams.cli.replay_options import plan_argument, plan_request_options
from streams.cli.store_access import expect_cassandra, run_on_stores
from streams.display.replay import duration, loss_warning, plan_table, progress_line
from streams.kafka.reader import TopicReader
from streams.process.processes import health_site, open_deps, open_outbox
from streams.process.signals import run_until_signal
from streams.replay.generation import expect_free
from streams.replay.live import LiveGroups, committed_of
from streams.replay.plan import LIVE, Lost, Plan, PlanRefused, render_plan
from streams.replay.planner import PlanRequest, losses_since, make_plan
from streams.replay.progress import Progress, measure_progress
from streams.replay.result import ReplayResult, read_counters
from streams.replay.run import ReplayLimits, ReplayState
from streams.replay.verify import verify_log

REPORT_SECONDS: Final = 10.0
"""Between two lines of how far it is, where nobody looks at a bar."""
SHOWN: Final = 20


@click.group("replay")
def command() -> None:
    """Apply events again, by a plan.

    `plan` looks at the log, says what a replay would do and writes that into a file; it changes
    nothing. `run` does it, may be killed and run again, by as many processes as there are. `status`
    says how far it is, `verify` whether what is shown is what the log says. Applying an event again
    changes nothing where it was applied already.

    A replay into a new generation leaves what is shown alone until `cutover`; `rollback` undoes
    that, and `retire` takes away the generation that is needed no more. `snapshot-edges` keeps the
    follow edges for the day on which the log has lost the follows.
    """


for each in (*COMMANDS, snapshot_edges):
    command.add_command(each)


@command.command("plan")
@plan_request_options
@click.option("--into", type=GenerationName(), default=LIVE, show_default=True, metavar="NAME",
              help="Into a new generation of homes of that name, which nobody reads before a "
              "cutover, instead of the live ones.")  # fmt: skip
@click.option("--out", type=click.Path(dir_okay=False, writable=True, path_type=Path),
              metavar="FILE", help="Where to write it; replay-NAME.json unless given.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the plan as its file holds it.")
def plan_(asked: PlanRequest, into: str, out: Path | None, as_json: bool) -> None:
    """Say what a replay would do, and write it into a file. Changes nothing.

    All that the log holds, unless options narrow it. A plan that leaves out a topic on which what
    it writes depends is refused.
    """
    settings = load_settings()
    made_at = now_ms()

    async def work(deps: Deps) -> Plan:
        name = _new_name(made_at)
        if into != LIVE:
            await expect_free(generations_of(deps), into, name)
        with TopicReader(settings.brokers) as reader, progress_bar() as bar:
            task = bar.add_task("events read", total=None)
            return await make_plan(
                asked, reader, deps.stores.graph.follower_counts, name=name,
                made_at=made_at, epoch=settings.epoch, into=into,
                on_progress=lambda events: bar.update(task, advance=events),
            )  # fmt: skip

    try:
        plan = run_on_stores(work)
    except PlanRefused as error:
        raise click.UsageError(str(error)) from error
    out = out or Path(f"replay-{plan.name}.json")
    out.write_bytes(render_plan(plan))
    if as_json:
        click.echo(render_plan(plan).decode(), nl=False)
        return
    Console().print(plan_table(plan))
    _warn(plan)
    click.echo(f"written to {out}; to do it: mingle replay run {out}")


@command.command("run")
@plan_argument
@click.option("--rate", type=click.FloatRange(0, min_open=True),
              help="Events per second that this process reads, at most.")  # fmt: skip
@click.option("--live-lag", type=click.FloatRange(0), default=5.0, show_default=True,
              help="Pause while live workers are so many seconds behind; 0 goes on.")  # fmt: skip
@click.option("--accept-loss", is_flag=True, help="Also where the log lacks what the plan needs.")
@click.option("--metrics-port", type=click.IntRange(0, 65_535), default=0,
              help="Where /metrics is served; any free port unless given.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print how far it came as a JSON object.")
def run(  # noqa: PLR0913 - one for each option
    *,
    plan: Plan,
    rate: float | None,
    live_lag: float,
    accept_loss: bool,
    metrics_port: int,
    as_json: bool,
) -> None:
    """Do what a plan says. Again after a kill: it goes on where it was.

    Several processes may run the same plan; each takes a share of its partitions. Live traffic
    goes first. Where it is stopped, the exit code is 1.
    """
    settings = load_settings()
    expect_cassandra(settings)
    # Posts that are lost by now are brought to followers by what follows ask for.
    plan = replace(plan, lost=tuple(dict.fromkeys((*plan.lost, *_lost_now(settings, plan)))))
    _warn(plan)
    if plan.gone and not accept_loss:
        raise click.ClickException("the log lacks what the plan needs: --accept-loss does the rest")
    limits = ReplayLimits(rate, live_lag or None)
    ended: list[ReplayResult] = []
    with _ProgressReporter() as reporter:
        work = partial(
            _replay, settings=settings, plan=plan, limits=limits, metrics_port=metrics_port,
            reporter=reporter, ended=ended,
        )  # fmt: skip
        try:
            code = run_until_signal(work)
        except MingleError as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            raise click.ClickException(f"--metrics-port: {error.strerror}") from error
    if ended:
        so_far = ended[0].progress
        _report(plan, so_far, as_json, over=so_far.is_over, ended=ended[0])
    sys.exit(code)


@command.command("status")
@plan_argument
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def status(plan: Plan, as_json: bool) -> None:
    """Say how far a replay is, whoever runs it. The exit code is 0 where it is done, else 1."""
    settings = load_settings()
    places = [each.place for each in plan.sources]
    look = committed_of(settings.brokers, plan.group, places)
    so_far = measure_progress(plan.sources, run_async(settings, look))
    over = so_far.is_over and is_filled(plan)
    _report(plan, so_far, as_json, over=over)
    sys.exit(0 if over else 1)


@command.command("verify")
@plan_argument
@click.option("--users", "count", type=click.IntRange(min=1), default=200, show_default=True,
              help="Compare so many homes, drawn by chance, and as many threads.")  # fmt: skip
@click.option("--fully", is_flag=True, help="Compare every home and every thread.")
@click.option("--seed", type=int, help="Draw the same ones again.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def verify(plan: Plan, count: int, fully: bool, seed: int | None, as_json: bool) -> None:
    """Compare what is shown with what the log says, and name what is missing or extra.

    The whole log is handled once more, in memory, and homes and threads are read from both. What
    is published meanwhile may differ. The exit code is 1 where anything does.
    """

    async def work(deps: Deps) -> Any:
        return await verify_log(plan, deps, None if fully else count, Random(seed))

    try:
        found = run_on_stores(work, partial(cassandra_stores, generation=generation_of(plan)))
    except ValueError as error:
        raise click.ClickException(f"{error}: `mingle verify` compares the store") from error
    if as_json:
        click.echo(json.dumps({"compared": found.compared, "differences": [
            msgspec.to_builtins(each) for each in found.differences
        ]}))  # fmt: skip
    else:
        for each in found.differences[:SHOWN]:
            click.echo(str(each))
        more = f", {len(found.differences) - SHOWN} not shown" * (len(found.differences) > SHOWN)
        click.echo(f"{found.compared:,} compared, {len(found.differences):,} differ{more}")
    sys.exit(1 if found.differences else 0)


async def _replay(  # noqa: PLR0913 - what runs, how, and who is told
    stop: asyncio.Event,
    *,
    settings: Settings,
    plan: Plan,
    limits: ReplayLimits,
    metrics_port: int,
    reporter: "_ProgressReporter",
    ended: list[ReplayResult],
) -> int:
    live = LiveGroups(settings.brokers)
    own = settings.model_copy(update={"metrics_port": metrics_port})
    try:
        async with (
            open_deps(own, partial(repair_stores, generation=generation_of(plan))) as deps,
            open_outbox(own) as outbox,
            health_site(deps, []) as address,
        ):
            await deps.connect()
            reporter.begin(f"{address}/metrics")
            if plan.into != LIVE:
                plan = await prepare_generation(plan, deps, live, reporter.report)
            replay = create_replay(
                plan, deps, outbox, live, limits=limits, on_progress=reporter.update
            )
            began = time.monotonic()
            so_far = await replay(settings.brokers, stop)
            ended.append(
                ReplayResult(so_far, time.monotonic() - began, *read_counters(deps.metrics))
            )
            if plan.into != LIVE and so_far.is_over:
                await complete_generation(plan, deps, reporter.report)
    finally:
        live.close()
    return 0 if ended[0].progress.is_over else 1


class _ProgressReporter:
    """A bar where somebody looks, else a line now and then; both on standard error."""

    def __init__(self) -> None:
        self._bar = progress_bar()
        self._task = self._bar.add_task("replay", total=None)
        self._last = 0.0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def begin(self, metrics: str) -> None:
        self.report(f"metrics at {metrics}")

    def report(self, words: str) -> None:
        click.echo(words, err=True)

    def update(self, state: ReplayState) -> None:
        so_far = state.progress
        words = progress_line(so_far, state.seconds_left, state.waits)
        if not self._bar.disable:
            self._bar.update(
                self._task, total=so_far.total, completed=so_far.done, description=words
            )
        elif time.monotonic() - self._last >= REPORT_SECONDS:
            self._last = time.monotonic()
            self.report(words)


def _report(
    plan: Plan, so_far: Progress, as_json: bool, *, over: bool, ended: ReplayResult | None = None
) -> None:
    if as_json:
        done = {"replay": plan.name, "done": so_far.done, "total": so_far.total}
        done |= {"ratio": so_far.ratio, "over": over}
        click.echo(json.dumps(done | ({} if ended is None else ended.figures())))
        return
    click.echo(progress_line(so_far, None, ""))
    if ended is not None:
        click.echo(
            f"this process wrote {ended.entries:,} entries with {ended.store_requests:,} store "
            f"requests in {duration(ended.seconds)}"
        )
    if not over:
        click.echo("to go on: mingle replay run PLAN")
    elif plan.into == LIVE:
        click.echo("to prove it: mingle replay verify PLAN")
    else:
        click.echo(
            f"to prove it: mingle replay verify PLAN; to show it: mingle replay cutover {plan.into}"
        )


def _warn(plan: Plan) -> None:
    """Loudly: what is not in the log can be brought back by no replay but from a snapshot."""
    if plan.lost:
        click.secho(loss_warning(plan), fg="red", bold=True, err=True)


def _lost_now(settings: Settings, plan: Plan) -> tuple[Lost, ...]:
    """What the log has let go of since the plan was made."""

    async def look() -> tuple[Lost, ...]:
        with TopicReader(settings.brokers) as reader:
            return losses_since(
                plan, reader.spans(dict.fromkeys(each.topic for each in plan.sources))
            )

    return run_async(settings, look())


def _new_name(made_at: int) -> str:
    """Unlike any other: a replay's group is named after it."""
    made = datetime.fromtimestamp(made_at / 1_000, UTC)
    return f"{made:%Y%m%d-%H%M%S}-{SystemRandom().randrange(16**4):04x}"
