"""`mingle loadtest`: what its commands do."""

import asyncio
import signal
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import msgspec
import uvloop
from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from loadtest import markdown as page
from loadtest import report, run
from loadtest.processes import ServerAddresses, own_servers
from loadtest.report import Report
from loadtest.scenario import Open, Scenario, load_scenario
from services.settings.settings import Settings

WARM_SHARE = 0.2
"""Of a scenario's time to warm up, on servers that an earlier one has warmed."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class RunRequest(NamedTuple):
    """What the command line says."""

    out: Path
    scale: float
    seed: int | None
    seconds: float | None
    attach: bool
    erase: bool


class ConsoleProgress:
    """Progress on standard error: bars where somebody looks, else a line for each step."""

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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
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


def run_scenarios(names: Sequence[str], asked: RunRequest) -> list[Report]:
    """Each scenario in a folder of its own where there are several; servers are started once."""
    scenarios = {
        name: _prepared(load_scenario(name), asked, warm=number > 0)
        for number, name in enumerate(names)
    }
    reports = []
    _listen()
    with ConsoleProgress() as shown:
        shown.step("servers")
        with _servers(asked) as addresses:
            for number, (name, scenario) in enumerate(scenarios.items()):
                label = Path(name).stem
                out = asked.out if len(names) == 1 else asked.out / label
                erase = asked.erase or not asked.attach or number > 0
                options = run.RunOptions(label, asked.scale, out, erase)
                made = _finished(run.run_scenario(scenario, options, addresses, shown))
                report.save_report(made, out)
                page.write_markdown(made, out)
                reports.append(made)
    return reports


def render_report(folder: Path) -> Report:
    """report.md and the pictures anew, from report.json."""
    made = report.load_report(folder)
    page.write_markdown(made, folder)
    return made


def _prepared(scenario: Scenario, asked: RunRequest, *, warm: bool) -> Scenario:
    scaled = scenario.scaled(asked.scale) if asked.scale != 1 else scenario
    if warm:
        seconds = scaled.warm_up_seconds * WARM_SHARE
        scaled = msgspec.structs.replace(scaled, warm_up_seconds=seconds)
    if asked.seed is not None:
        scaled = msgspec.structs.replace(scaled, seed=asked.seed)
    if asked.seconds is None:
        return scaled
    phases = [
        msgspec.structs.replace(each, seconds=asked.seconds) if isinstance(each, Open) else each
        for each in scaled.phases
    ]
    return msgspec.structs.replace(scaled, phases=phases)


@contextmanager
def _servers(asked: RunRequest) -> Iterator[ServerAddresses]:
    settings = Settings.model_validate({})
    there = ServerAddresses(
        settings.kafka_bootstrap, settings.cassandra_hosts[0], settings.cassandra_port
    )
    with nullcontext(there) if asked.attach else own_servers() as addresses:
        yield addresses


def _finished(work: Coroutine[Any, Any, Report]) -> Report:
    """What the work returns. A signal cancels it, so that it ends in order: KeyboardInterrupt."""

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
        _listen()  # the loop's own handlers went with it


def _listen() -> None:
    """Every signal that ends a run ends it as Ctrl-C does: what it started is stopped."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for each in SIGNALS:
        signal.signal(each, interrupt)
