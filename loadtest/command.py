"""Runs and renders load runs for `mingle loadtest`."""

import asyncio
import signal
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple, Self

import msgspec
import uvloop
from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from loadtest import markdown, report, run
from loadtest.processes import ServerAddresses, own_servers
from loadtest.report import Report
from loadtest.scenario import Open, Scenario, WrongScenario, load_scenario
from services.settings.settings import Settings

WARM_SHARE = 0.2
"""Share of a scenario's warm-up time, on servers that an earlier scenario has warmed."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class RunRequest(NamedTuple):
    """Options of the command line."""

    out: Path
    scale: float
    seed: int | None
    seconds: float | None
    attach: bool
    erase: bool
    check: bool = False


class ConsoleProgress:
    """Shows progress on standard error: bars on a terminal, else a line for each step."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._console = console
        self._bar = Bar(
            TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console
        )
        self._live = console.is_terminal
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        if self._live:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._bar.stop()

    def step(self, what: str, total: float | None = None) -> None:
        if not self._live:
            self._console.print(what, highlight=False)
            return
        if self._task is not None:
            self._bar.update(self._task, total=1, completed=1)
        self._task = self._bar.add_task(what, total=total)

    def advance(self, by: float = 1) -> None:
        if self._task is not None:
            self._bar.advance(self._task, by)


def run_scenarios(names: Sequence[str], request: RunRequest) -> list[Report]:
    """Run scenarios on the same servers and write their reports.

    Several scenarios get a folder each. Raises WrongScenario, and KeyboardInterrupt for a signal.
    """
    scenarios = {
        name: _adjust(load_scenario(name), request, warm=number > 0)
        for number, name in enumerate(names)
    }
    if request.check:
        _require_expectations(scenarios)
    reports = []
    _interrupt_on_signals()
    with ConsoleProgress() as progress:
        progress.step("starting servers")
        with _servers(request) as addresses:
            for number, (name, scenario) in enumerate(scenarios.items()):
                label = Path(name).stem
                out = request.out if len(names) == 1 else request.out / label
                erase = request.erase or not request.attach or number > 0
                options = run.RunOptions(label, request.scale, out, erase)
                result = _run_cancellable(run.run_scenario(scenario, options, addresses, progress))
                report.save_report(result, out)
                markdown.write_markdown(result, out)
                reports.append(result)
    return reports


def _require_expectations(scenarios: Mapping[str, Scenario]) -> None:
    for name, scenario in scenarios.items():
        if not scenario.expect:
            raise WrongScenario(f"{name}: expect: nothing by which --check could judge its claim")


def render_report(folder: Path) -> Report:
    """Write report.md and the charts again from report.json. Raises NoReport."""
    result = report.load_report(folder)
    markdown.write_markdown(result, folder)
    return result


def _adjust(scenario: Scenario, request: RunRequest, *, warm: bool) -> Scenario:
    scaled = scenario.scaled(request.scale) if request.scale != 1 else scenario
    if warm:
        seconds = scaled.warm_up_seconds * WARM_SHARE
        scaled = msgspec.structs.replace(scaled, warm_up_seconds=seconds)
    if request.seed is not None:
        scaled = msgspec.structs.replace(scaled, seed=request.seed)
    if request.seconds is None:
        return scaled
    phases = [
        msgspec.structs.replace(each, seconds=request.seconds) if isinstance(each, Open) else each
        for each in scaled.phases
    ]
    return msgspec.structs.replace(scaled, phases=phases)


@contextmanager
def _servers(request: RunRequest) -> Iterator[ServerAddresses]:
    settings = Settings.model_validate({})
    existing = ServerAddresses(
        settings.kafka_bootstrap, settings.cassandra_hosts[0], settings.cassandra_port
    )
    with nullcontext(existing) if request.attach else own_servers() as addresses:
        yield addresses


def _run_cancellable(work: Coroutine[Any, Any, Report]) -> Report:
    """Return the result of work. A signal cancels it and raises KeyboardInterrupt."""

    async def cancellable() -> Report:
        task = asyncio.current_task()
        assert task is not None
        for each in SIGNALS:
            asyncio.get_running_loop().add_signal_handler(each, task.cancel)
        return await work

    try:
        return uvloop.run(cancellable())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    finally:
        _interrupt_on_signals()  # the loop has removed its handlers


def _interrupt_on_signals() -> None:
    """Let every signal end a run as Ctrl-C does, so that it stops what it started."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for each in SIGNALS:
        signal.signal(each, interrupt)
