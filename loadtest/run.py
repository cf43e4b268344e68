"""Runs a scenario: starts everything, runs the phases, checks the homes, stops everything."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import numpy as np

from loadtest.bench import Bench, ProgressSink, wait_until_ready
from loadtest.graph import Graph, make_graph
from loadtest.kafka import KafkaTopics, Sender
from loadtest.machine import describe_machine
from loadtest.observer import HomeReader, Observer
from loadtest.phases import PhaseRunner
from loadtest.processes import Programs, ServerAddresses
from loadtest.references import References
from loadtest.report import Report
from loadtest.sampler import Sampler
from loadtest.scenario import Scenario
from loadtest.store import RunStore, cassandra_version, execute_cql
from loadtest.summary import Measurements, RunStart, summarize
from loadtest.verification import check_shown_homes, compare_homes
from services.clock import now_ms
from services.errors import MingleError
from services.settings.settings import Settings

OPEN = {"auth_secret": "", "auth_jwks": "", "auth_issuer": "", "auth_audience": ""}
"""The API of a run listens on the loopback and needs no authentication."""


class RunOptions(NamedTuple):
    """Options of a run besides its scenario."""

    name: str
    scale: float
    out: Path
    erase: bool


class _Resources(NamedTuple):
    """Everything that a run works with."""

    scenario: Scenario
    settings: Settings
    programs: Programs
    kafka: KafkaTopics
    store: RunStore


async def run_scenario(
    scenario: Scenario, options: RunOptions, addresses: ServerAddresses, progress: ProgressSink
) -> Report:
    """Run a scenario on servers that answer. It stops what it started before it returns."""
    settings = _settings(addresses)
    programs = Programs(_environment(settings), options.out / "logs")
    began_at = datetime.now(UTC).isoformat(timespec="seconds")
    kafka = KafkaTopics(settings.brokers)
    try:
        progress.step("topics and tables")
        kafka.remove_topics(erase=options.erase)
        programs.run("topics", "apply")
        programs.run("migrate")
        machine = describe_machine(cassandra=await cassandra_version(settings))
        store = await RunStore.open(settings, now_ms)
        try:
            resources = _Resources(scenario, settings, programs, kafka, store)
            measurements = await _measure(resources, progress)
        finally:
            await store.store.close()
    finally:
        programs.stop(programs.running())
        kafka.close()
        with suppress(MingleError):  # the servers may be gone already
            await execute_cql(settings, f"DROP KEYSPACE IF EXISTS {settings.cassandra_keyspace}")
    start = RunStart(scenario, options.name, options.scale, began_at, machine)
    return summarize(start, measurements)


async def _measure(resources: _Resources, progress: ProgressSink) -> Measurements:
    scenario, store = resources.scenario, resources.store
    progress.step("graph")
    graph = await asyncio.to_thread(make_graph, scenario)
    progress.step("loading follower lists into the store", len(graph.followees))
    loading = time.monotonic()
    await store.load(graph, now_ms() * 1_000, progress.advance)
    load_seconds = time.monotonic() - loading
    references = References(store)
    await references.prepare()
    async with _bench(resources, graph, references) as bench:
        phases = PhaseRunner(bench, scenario, progress)
        await phases.warm_up()
        results = [await phases.run(each) for each in scenario.phases]
        progress.step("checking that homes hold every delivery and nothing else")
        sent = phases.sent
        if bench.reader:
            bench.reader.stop()
        stored = await compare_homes(
            store, sent.current_edges(), sent.ended_edges(), sent.author_posts()
        )
        shown = await check_shown_homes(bench, sent)
    observer, reader = bench.observer, bench.reader
    return Measurements(
        graph=graph,
        load_seconds=load_seconds,
        phases=results,
        references=phases.references,
        sampler=bench.sampler,
        stored=stored,
        shown=shown,
        unwatched=observer.unwatched,
        never_seen=observer.never_seen,
        failed_reads=reader.failed if reader else 0,
        unsettled=phases.unsettled,
    )


@asynccontextmanager
async def _bench(
    resources: _Resources, graph: Graph, references: References
) -> AsyncIterator[Bench]:
    """Run the API, the sampler and the reader of homes."""
    scenario, settings, programs, kafka, store = resources
    began = time.monotonic()
    api = programs.start("api", "api", port_setting="MINGLE_API_PORT")
    await wait_until_ready(api)
    sampler = Sampler(lambda: programs.running("load-"), began)
    random = np.random.default_rng(scenario.seed + 1)
    readers = scenario.readers
    bench = Bench(
        settings=settings,
        programs=programs,
        kafka=kafka,
        sender=Sender(settings.brokers),
        store=store,
        graph=graph,
        references=references,
        sampler=sampler,
        observer=Observer(store, began, random),
        reader=HomeReader(api.url, graph.readers, readers.per_second, began) if readers else None,
        began=began,
        random=random,
    )
    tasks = [asyncio.create_task(sampler.run())]
    if bench.reader:
        tasks.append(asyncio.create_task(bench.reader.run()))
    try:
        yield bench
    finally:
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _settings(addresses: ServerAddresses) -> Settings:
    """Return settings for these servers and a keyspace of the run's own."""
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
    """Return the environment of the programs."""
    return {
        "MINGLE_STORE": "cassandra",
        "MINGLE_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "MINGLE_CASSANDRA_HOSTS": ",".join(settings.cassandra_hosts),
        "MINGLE_CASSANDRA_PORT": str(settings.cassandra_port),
        "MINGLE_CASSANDRA_KEYSPACE": settings.cassandra_keyspace,
        "MINGLE_LOG_LEVEL": "warning",
        "MINGLE_PULL_FOLLOWERS": "0",  # a run measures deliveries
    } | {f"MINGLE_{name.upper()}": value for name, value in OPEN.items()}
