"""A run: everything started, the phases one after the other, the check, everything stopped."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import numpy as np

from loadtest import graph as graphs
from loadtest.bench import Bench, ProgressSink, wait_until_ready
from loadtest.kafka import KafkaTopics, Sender
from loadtest.machine import describe_machine
from loadtest.observer import HomeReader, Observer
from loadtest.phases import PhaseRunner
from loadtest.processes import Programs, ServerAddresses
from loadtest.references import References
from loadtest.report import Report
from loadtest.sampler import Sampler
from loadtest.scenario import Scenario
from loadtest.store import RunStore, cassandra_version, execute_statements
from loadtest.summary import Measurements, RunStart, summarize
from loadtest.verification import check_shown_homes, compare_homes
from services.clock import now_ms
from services.errors import MingleError
from services.settings.settings import Settings

OPEN = {"auth_secret": "", "auth_jwks": "", "auth_issuer": "", "auth_audience": ""}
"""The API of a run listens on the loopback and asks nobody who he is."""


class RunOptions(NamedTuple):
    """What the command line says besides the scenario."""

    name: str
    scale: float
    out: Path
    erase: bool


class _Opened(NamedTuple):
    """What a run works on."""

    scenario: Scenario
    settings: Settings
    programs: Programs
    log: KafkaTopics
    store: RunStore


async def run_scenario(
    scenario: Scenario, options: RunOptions, addresses: ServerAddresses, progress: ProgressSink
) -> Report:
    """Runs a scenario on servers that answer. Whatever it started is stopped when it returns."""
    settings = _settings(addresses)
    programs = Programs(_environment(settings), options.out / "logs")
    began_at = datetime.now(UTC).isoformat(timespec="seconds")
    log = KafkaTopics(settings.brokers)
    try:
        progress.step("topics and tables")
        log.remove_topics(erase=options.erase)
        programs.run("topics", "apply")
        programs.run("migrate")
        machine = describe_machine(cassandra=await cassandra_version(settings))
        store = await RunStore.open(settings, now_ms)
        try:
            opened = _Opened(scenario, settings, programs, log, store)
            facts = await _measured(opened, progress)
        finally:
            await store.store.close()
    finally:
        programs.stop(programs.running())
        log.close()
        with suppress(MingleError):  # the servers may be gone; own ones go anyway
            await execute_statements(
                settings, f"DROP KEYSPACE IF EXISTS {settings.cassandra_keyspace}"
            )
    return summarize(RunStart(scenario, options.name, options.scale, began_at, machine), facts)


async def _measured(opened: _Opened, progress: ProgressSink) -> Measurements:
    scenario, store = opened.scenario, opened.store
    progress.step("graph")
    people = await asyncio.to_thread(graphs.make_graph, scenario)
    progress.step("follower lists, loaded into the store", len(people.followees))
    loading = time.monotonic()
    await store.load(people, now_ms() * 1_000, progress.advance)
    load_seconds = time.monotonic() - loading
    references = References(store)
    await references.prepare()
    async with _bench(opened, people, references) as bench:
        phases = PhaseRunner(bench, scenario, progress)
        await phases.warm_up()
        results = [await phases.run(each) for each in scenario.phases]
        progress.step("whether every delivery is there, and nothing else")
        ledger = phases.ledger
        if bench.reader:
            bench.reader.stop()
        kept = await compare_homes(store, ledger.edges(), ledger.ended(), ledger.written())
        homes = await check_shown_homes(bench, ledger)
    observer, reader = bench.observer, bench.reader
    return Measurements(
        graph=people,
        load_seconds=load_seconds,
        phases=results,
        references=phases.references,
        sampler=bench.sampler,
        kept=kept,
        homes=homes,
        unwatched=observer.unwatched,
        never=observer.never,
        refused_reads=reader.refused if reader else 0,
        unsettled=phases.unsettled,
    )


@asynccontextmanager
async def _bench(
    opened: _Opened, people: graphs.Graph, references: References
) -> AsyncIterator[Bench]:
    """The programs and whoever looks at them, running."""
    scenario, settings, programs, log, store = opened
    began = time.monotonic()
    api = programs.start("api", "api", port_setting="MINGLE_API_PORT")
    await wait_until_ready(api.url, "/readyz", api.require)
    sampler = Sampler(lambda: programs.running("load-"), began)
    random = np.random.default_rng(scenario.seed + 1)
    readers = scenario.readers
    bench = Bench(
        settings=settings,
        programs=programs,
        log=log,
        sender=Sender(settings.brokers),
        store=store,
        people=people,
        references=references,
        sampler=sampler,
        observer=Observer(store, began, random),
        reader=HomeReader(api.url, people.readers, readers.per_second, began) if readers else None,
        began=began,
        random=random,
    )
    looking = [asyncio.create_task(sampler.watch())]
    if bench.reader:
        looking.append(asyncio.create_task(bench.reader.read()))
    try:
        yield bench
    finally:
        for each in looking:
            each.cancel()
        await asyncio.gather(*looking, return_exceptions=True)


def _settings(addresses: ServerAddresses) -> Settings:
    """A keyspace of the run's own; everything else as workers have it."""
    return Settings.model_validate(
        {
            "kafka_bootstrap": addresses.kafka,
            "cassandra_hosts": (addresses.cassandra_host,),
            "cassandra_port": addresses.cassandra_port,
            "cassandra_keyspace": f"load_{uuid4().hex[:12]}",
        }
        | OPEN
    )


def _environment(settings: Settings) -> dict[str, str]:
    """What the programs are told."""
    return {
        "MINGLE_STORE": "cassandra",
        "MINGLE_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "MINGLE_CASSANDRA_HOSTS": ",".join(settings.cassandra_hosts),
        "MINGLE_CASSANDRA_PORT": str(settings.cassandra_port),
        "MINGLE_CASSANDRA_KEYSPACE": settings.cassandra_keyspace,
        "MINGLE_LOG_LEVEL": "warning",
        "MINGLE_PULL_FOLLOWERS": "0",  # what a run measures, and looks for, is deliveries
    } | {f"MINGLE_{name.upper()}": value for name, value in OPEN.items()}
