"""What an operator would check first: one finding for each, with advice."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple

import httpx

from schemas import topics
from services.errors import AccessRefused, BrokerUnavailable, MingleError, StoreUnavailable
from services.settings.brokers import Brokers
from services.settings.settings import Settings
from services.storage import migrations
from streams.kafka.group_status import GroupAdmin, status_of_role
from streams.kafka.topics import TopicAdmin, compare_topics
from streams.routes import ROLES

KAFKA_TIMEOUT: Final = 5.0
HEALTH_TIMEOUT: Final = 5.0
SHOWN: Final = 3
"""Differences that are named; `mingle topics check` names all."""

State = Literal["ok", "failed", "skipped"]


class Finding(NamedTuple):
    """The result of one check; `advice` says what to do unless it is ok."""

    check: str
    state: State
    what: str
    advice: str = ""


def examine(settings: Settings, unknown: Sequence[str] = ()) -> Iterator[Finding]:
    """Yield every finding, in the order in which to fix them. Changes nothing.

    `unknown` has a line for each variable that looks like a setting and is none.
    """
    if unknown:
        yield Finding("settings", "failed", "; ".join(unknown), "rename or unset what it names")
    else:
        yield Finding("settings", "ok", "every setting is as expected")
    yield from _kafka(settings)
    if settings.store == "memory":
        yield Finding("cassandra", "skipped", "MINGLE_STORE=memory keeps everything in the process")
    else:
        yield from _cassandra(settings)
    yield _health("api", settings.api_host, settings.api_port, "mingle api")
    yield _health("worker", settings.metrics_host, settings.metrics_port, "mingle worker")


def _kafka(settings: Settings) -> Iterator[Finding]:
    brokers = settings.brokers
    admin = TopicAdmin(brokers, KAFKA_TIMEOUT)
    declared = topics.load_topics()
    try:
        differences = compare_topics(declared, admin.actual(declared))
    except (BrokerUnavailable, AccessRefused) as error:
        advice = "start Kafka (`make up`), or set MINGLE_KAFKA_BOOTSTRAP"
        if isinstance(error, AccessRefused):
            advice = f"mend what it names; it was asked by {brokers.summary}"
        yield Finding("kafka", "failed", str(error), advice)
        yield Finding("topics", "skipped", "they can only be seen through Kafka")
        yield Finding("log", "skipped", "it can only be seen through Kafka")
        return
    yield Finding("kafka", "ok", f"answers at {brokers}, {brokers.summary}")
    if differences:
        named = "; ".join(str(each) for each in differences[:SHOWN])
        more = f"; and {len(differences) - SHOWN} more" if len(differences) > SHOWN else ""
        yield Finding("topics", "failed", f"{named}{more}", "run `mingle topics apply`")
    else:
        yield Finding("topics", "ok", f"all {len(declared)} are as declared")
    yield _log(brokers)


def _log(brokers: Brokers) -> Finding:
    """Compare where groups go on with where the log begins."""
    admin = GroupAdmin(brokers)
    try:
        groups = [status_of_role(admin, role) for role in ROLES]
    except BrokerUnavailable as error:
        return Finding("log", "failed", str(error), "its brokers may refuse to describe groups")
    lost = [f"{each.group} {each.lost:,}" for each in groups if each.lost]
    if not lost:
        return Finding("log", "ok", "it holds all that the groups have left to read")
    what = f"it no longer holds messages that groups have not read: {', '.join(lost)}"
    return Finding("log", "failed", what, "docs/runbook.md, MingleLogLost")


def _cassandra(settings: Settings) -> Iterator[Finding]:
    known = migrations.available_migrations()
    try:
        missing = asyncio.run(migrations.migrate(settings, known, dry_run=True))
    except StoreUnavailable as error:
        advice = "start Cassandra (`make up`), or set MINGLE_CASSANDRA_HOSTS and _PORT"
        yield Finding("cassandra", "failed", describe_unreachable(settings, error), advice)
        yield Finding("migrations", "skipped", "they can only be seen through Cassandra")
        return
    except AccessRefused as error:
        advice = f"mend what it names; it was asked {settings.cassandra_summary}"
        yield Finding("cassandra", "failed", str(error), advice)
        yield Finding("migrations", "skipped", "they can only be seen through Cassandra")
        return
    except MingleError as error:
        yield Finding("migrations", "failed", str(error), "run the version that the store is of")
        return
    hosts = ", ".join(settings.cassandra_hosts)
    yield Finding("cassandra", "ok", f"answers at {hosts}, {settings.cassandra_summary}")
    if missing:
        what = f"{len(missing)} of {len(known)} are not applied"
        yield Finding("migrations", "failed", what, "run `mingle migrate`")
    else:
        yield Finding("migrations", "ok", f"all {len(known)} are applied")


def describe_unreachable(settings: Settings, error: StoreUnavailable) -> str:
    """Say that and where Cassandra did not answer, without the driver's list of attempts."""
    hosts = ", ".join(settings.cassandra_hosts)
    gist, _, _ = str(error).partition(": (")
    return f"{gist} ({hosts}, port {settings.cassandra_port})"


def _health(check: str, host: str, port: int, start: str) -> Finding:
    """Check a process; one that does not run here may run on another machine."""
    where = f"http://{host}:{port}/readyz"
    try:
        answer = httpx.get(where, timeout=HEALTH_TIMEOUT)
    except httpx.ConnectError:
        return Finding(check, "skipped", f"nothing runs at {host}:{port}", f"start with `{start}`")
    except httpx.HTTPError as error:
        what = f"{where}: {type(error).__name__}"
        return Finding(check, "failed", what, f"its log says more; restart `{start}`")
    if answer.is_success:
        return Finding(check, "ok", f"{where} says ready")
    what = f"{where}: {answer.status_code} {answer.text.strip()[:200]}"
    return Finding(check, "failed", what, "mend what it names; it goes on by itself")
