"""`mingle replay`: events applied again, by a plan."""

import asyncio
import json
import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from random import Random
from typing import Final, Self

import click
import msgspec

from services.errors import MingleError
from streams.bootstrap import Deps, cassandra_stores
from streams.cli.configuration import load_settings
from streams.cli.dead_letter_options import run_async
from streams.cli.edges import snapshot_edges
from streams.cli.generations import COMMANDS, GenerationName
from streams.cli.output import print_table, progress_bar, text_console
from streams.cli.replay_options import plan_argument, plan_request_options
from streams.cli.store_access import expect_cassandra, run_on_stores
from streams.display.replay import (
    describe_result,
    describe_runners,
    loss_warning,
    plan_table,
    progress_line,
    replay_of,
    replay_row,
)
from streams.process.signals import run_until_signal
from streams.replay.generation import cancel_replay
from streams.replay.plan import LIVE, Plan, PlanRefused, render_plan
from streams.replay.planner import PlanRequest
from streams.replay.progress import Progress
from streams.replay.result import ReplayResult
from streams.replay.run import ReplayLimits, ReplayState
from streams.replay.session import (
    load_generation_status,
    load_status,
    plan_replay,
    run_plan,
    with_losses,
)
from streams.replay.verify import LogComparison, verify_log
from streams.system_status import load_replays

REPORT_SECONDS: Final = 10.0
"""Between two lines of progress, where there is no terminal for a bar."""
NOT_DONE: Final = 3
"""Exit code of a replay that has offsets left."""
MAX_DIFFERENCES: Final = 20
"""Differences that are printed; `--json` prints all."""


@click.group("replay")
def command() -> None:
    """Apply events again, by a plan.

    `plan` reads the log, says what a replay would do and writes that to a file; it changes nothing.
    `run` does it, in any number of processes, and may be interrupted and run again. `status` says
    how far it is, `verify` whether what is shown matches the log. Applying an event again changes
    nothing where it was applied already.

    A replay into a new generation leaves what is shown alone until `cutover`; `rollback` undoes
    that, and `retire` removes a generation that is no longer needed. `snapshot-edges` saves the
    follow edges for the day on which the log has lost its follows.
    """


for each in (*COMMANDS, snapshot_edges):
    command.add_command(each)


@command.command("plan")
@plan_request_options
@click.option("--into", type=GenerationName(), default=LIVE, show_default=True, metavar="NAME",
              help="Fill a new generation of homes with this name, which nobody reads before a "
              "cutover, instead of the live ones.")  # fmt: skip
@click.option("--out", type=click.Path(dir_okay=False, writable=True, path_type=Path),
              metavar="FILE", help="The file to write; replay-NAME.json by default.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the plan as its file holds it.")
def plan_(request: PlanRequest, into: str, out: Path | None, as_json: bool) -> None:
    """Say what a replay would do, and write it to a file. Changes nothing.

    The plan covers all that the log holds, unless options narrow it. A plan is refused if it leaves
    out a topic on which the result depends.
    """

    async def work(deps: Deps) -> Plan:
        with progress_bar() as bar:
            task = bar.add_task("events read", total=None)
            return await plan_replay(
                request, into, deps, lambda events: bar.update(task, advance=events)
            )

    if out is not None and out.exists():
        raise click.UsageError(f"--out: {out} exists, and a plan is never overwritten")
    try:
        plan = run_on_stores(work)
    except PlanRefused as error:
        raise click.UsageError(str(error)) from error
    out = out or Path(f"replay-{plan.name}.json")
    with out.open("xb") as file:
        file.write(render_plan(plan))
    if not plan.chosen:
        click.echo("Warning: the plan has no events; look at its options", err=True)
    if as_json:
        click.echo(render_plan(plan).decode(), nl=False)
        return
    text_console(for_tables=True).print(plan_table(plan))
    _warn(plan)
    click.echo(f"written to {out}; to run it: mingle replay run {out}")


@command.command("run")
@plan_argument
@click.option("--rate", type=click.FloatRange(0, min_open=True),
              help="Events per second that this process reads, at most.")  # fmt: skip
@click.option("--live-lag", type=click.FloatRange(0), default=5.0, show_default=True,
              help="Pause while live workers are this many seconds behind; 0 never "
              "pauses.")  # fmt: skip
@click.option("--accept-loss", is_flag=True,
              help="Run although the log lacks events that the plan needs.")  # fmt: skip
@click.option("--metrics-port", type=click.IntRange(0, 65_535), default=0,
              help="The port of /metrics; any free port by default.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the result as a JSON object.")
def run(  # noqa: PLR0913 - one for each option
    *,
    plan: Plan,
    rate: float | None,
    live_lag: float,
    accept_loss: bool,
    metrics_port: int,
    as_json: bool,
) -> None:
    """Run a plan. After an interruption, run it again to continue.

    Several processes may run the same plan; each takes a share of its partitions. Live traffic
    has priority. If stopped before the end, the exit code is 3.
    """
    settings = load_settings()
    expect_cassandra(settings)
    plan = run_async(settings, with_losses(plan, settings.brokers))
    _warn(plan)
    if plan.gone and not accept_loss:
        raise click.ClickException("the log lacks what the plan needs: --accept-loss does the rest")
    results: list[ReplayResult] = []

    async def work(stop: asyncio.Event) -> int:
        with _ProgressReporter() as reporter:
            result = await run_plan(
                plan, settings, stop, limits=ReplayLimits(rate, live_lag or None),
                metrics_port=metrics_port, reporter=reporter,
            )  # fmt: skip
        results.append(result)
        return 0 if result.progress.is_over else NOT_DONE

    try:
        code = run_until_signal(work)
    except MingleError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"--metrics-port: {error.strerror}") from error
    (result,) = results
    if not as_json:
        click.echo(describe_result(result))
    over = result.progress.is_over
    _report(plan, result.progress, as_json, over=over, more=result.figures())
    sys.exit(code)


@command.command("status")
@plan_argument
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def status(plan: Plan, as_json: bool) -> None:
    """Say how far a replay is, whoever runs it. The exit code is 0 if it is done, else 3."""
    settings = load_settings()
    if plan.generation is None:
        found = run_async(settings, load_status(plan, settings.brokers))
    else:
        found = run_on_stores(partial(load_generation_status, plan))
    if not as_json:
        click.echo(describe_runners(found))
    more = {"processes": len(found.members), "members": found.members, "rate": found.rate,
            "live_behind_seconds": found.live_behind}  # fmt: skip
    _report(plan, found.progress, as_json, over=found.is_over, more=more)
    sys.exit(0 if found.is_over else NOT_DONE)


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines.")
def list_(as_json: bool) -> None:
    """List the replays whose progress the brokers keep, and who runs them.

    How far one is takes its plan: `mingle replay status PLAN`. Brokers forget the progress of a
    replay some days after its last process has ended.
    """
    settings = load_settings()
    found = run_async(settings, load_replays(settings))
    if as_json:
        for each in found:
            click.echo(json.dumps({"replay": replay_of(each.group), "members": each.members}))
        return
    if not found:
        click.echo("no replays")
        return
    print_table(("replay", "processes", "members"), map(replay_row, found))


@command.command("cancel")
@plan_argument
def cancel(plan: Plan) -> None:
    """Make a plan void: every process that runs it ends within seconds, and none begins again.

    What it applied stays, and is right: an event that was applied again changes nothing. A
    generation that it was to fill is left to `retire`.
    """

    async def work(deps: Deps) -> None:
        await cancel_replay(deps.generations, plan)

    run_on_stores(work)
    click.echo(f"replay {plan.name} is cancelled; its plan is void")
    if plan.generation is not None:
        click.echo(f"to remove what it filled: mingle replay retire {plan.generation}")


@command.command("verify")
@plan_argument
@click.option("--users", "count", type=click.IntRange(min=1), default=200, show_default=True,
              help="Compare this many homes, drawn at random, and as many threads.")  # fmt: skip
@click.option("--fully", is_flag=True, help="Compare every home and every thread.")
@click.option("--seed", type=int, help="Draw the same ones again.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def verify(plan: Plan, count: int, fully: bool, seed: int | None, as_json: bool) -> None:
    """Compare what is shown with the log, and name what is missing or extra.

    Handles the whole log once more, in memory, and reads homes and threads from both. What is
    published meanwhile may differ. The exit code is 1 if anything differs.
    """

    async def work(deps: Deps) -> LogComparison:
        return await verify_log(plan, deps, None if fully else count, Random(seed))

    try:
        found = run_on_stores(work, partial(cassandra_stores, generation=plan.generation))
    except ValueError as error:
        raise click.ClickException(f"{error}: `mingle verify` compares the store") from error
    if as_json:
        click.echo(json.dumps({"compared": found.compared, "differences": [
            msgspec.to_builtins(each) for each in found.differences
        ]}))  # fmt: skip
    else:
        hidden = len(found.differences) - MAX_DIFFERENCES
        for each in found.differences[:MAX_DIFFERENCES]:
            click.echo(str(each))
        more = f", {hidden} not shown" if hidden > 0 else ""
        click.echo(f"{found.compared:,} compared, {len(found.differences):,} differ{more}")
    sys.exit(1 if found.differences else 0)


class _ProgressReporter:
    """Shows a bar on a terminal, else a line now and then; both on standard error."""

    def __init__(self) -> None:
        self._bar = progress_bar()
        self._task = self._bar.add_task("replay", total=None)
        self._last = 0.0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def notice(self, text: str) -> None:
        click.echo(text, err=True)

    def update(self, state: ReplayState) -> None:
        progress = state.progress
        line = progress_line(progress, state.seconds_left, state.waits)
        if not self._bar.disable:
            self._bar.update(
                self._task, total=progress.total, completed=progress.done, description=line
            )
        elif time.monotonic() - self._last >= REPORT_SECONDS:
            self._last = time.monotonic()
            self.notice(line)


def _report(
    plan: Plan, progress: Progress, as_json: bool, *, over: bool, more: Mapping[str, object]
) -> None:
    """Print the progress and what to do next; `more` is for JSON."""
    if as_json:
        fields = {"replay": plan.name, "done": progress.done, "total": progress.total}
        fields |= {"ratio": progress.ratio, "over": over}
        click.echo(json.dumps({**fields, **more}))
        return
    click.echo(progress_line(progress, None, ""))
    if not over:
        click.echo("to continue: mingle replay run PLAN")
    elif plan.generation is None:
        click.echo("to verify it: mingle replay verify PLAN")
    else:
        click.echo(
            "to verify it: mingle replay verify PLAN; "
            f"to show it: mingle replay cutover {plan.generation}"
        )


def _warn(plan: Plan) -> None:
    """Print it loudly: only a snapshot can bring back what the log has lost."""
    if plan.lost:
        click.secho(loss_warning(plan), fg="red", bold=True, err=True)
