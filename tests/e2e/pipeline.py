"""The whole system on real servers: topics and a keyspace of its own, workers as processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
from confluent_kafka import (
    Consumer,
    ConsumerGroupState,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewPartitions, OffsetSpec

from schemas import topics
from schemas.codec import Message, encode
from servers.ports import first_free_port
from services.settings.settings import Settings
from streams.kafka.publisher import Publisher
from streams.kafka.topics import TopicAdmin, compare_topics
from streams.outbox import Outgoing
from streams.routes import ROLES, ROUTES
from tests.e2e.faults import Journal, Plan
from tests.e2e.groups import empty_groups
from tests.e2e.site import Site

Place = tuple[str, int]
"""A topic and the number of a partition."""
Record = Callable[..., None]
"""Keeps named figures of a run for the summary."""

ROOT = Path(__file__).parents[2]
POLL_SECONDS = 0.25
ANSWER_SECONDS = 60.0
REQUEST_SECONDS = 15.0
COMMAND_SECONDS = 240.0
STOP_SECONDS = 30.0
READ = {role: [each.topic for each in ROUTES if each.role == role] for role in ROLES}
"""The topics of each role."""
FIRST = {role: read for role, read in READ.items() if role != "search"}
"""Those that see to what is delivered: each topic once."""
DELIVERY = tuple(argument for role in FIRST for argument in ("--role", role))
NOT_NOW = {
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
    KafkaError._TIMED_OUT,
    KafkaError._TRANSPORT,
    KafkaError._NOENT,  # no leader yet
    KafkaError._UNKNOWN_PARTITION,  # just added
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError.FENCED_LEADER_EPOCH,
    KafkaError.UNKNOWN_LEADER_EPOCH,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
}
"""What is said while a group's coordinator is being found, or the brokers restart."""


class Pipeline:
    """What a test publishes to, waits for and reads from."""

    def __init__(self, bootstrap: str, cassandra_port: int, folder: Path, **settings: Any) -> None:
        self.folder = folder
        given = {
            "kafka_bootstrap": bootstrap,
            "cassandra_port": cassandra_port,
            "cassandra_keyspace": f"mingle_{uuid4().hex[:12]}",
            "metrics_port": 0,
            "log_level": "warning",
        } | settings
        self._environment = as_environment(given)
        self.settings = Settings(**given)
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self._admin = self._connect()
        self._groups: dict[str, Any] = {}

    def prepare(self) -> None:
        """Empty topics, and a migrated keyspace."""
        names = list(topics.load_topics())
        present = set(self._admin.list_topics(timeout=ANSWER_SECONDS).topics)
        doomed = [name for name in names if name in present]
        for future in self._admin.delete_topics(doomed).values() if doomed else ():
            future.result(ANSWER_SECONDS)
        self.until(lambda: not set(names) & set(self._admin.list_topics(timeout=5).topics))
        admin = TopicAdmin(self.settings.brokers)
        declared = topics.load_topics()
        admin.mend(declared, compare_topics(declared, admin.actual(declared)))
        self._admin = self._connect()  # the old one remembers leaders of topics that are gone
        self.mingle("migrate")

    def mingle(self, *arguments: str) -> str:
        """Run a command of the program to its end; its output."""
        return self._ran(arguments, {0}).stdout.decode()

    def said(self, *arguments: str) -> str:
        """The output of a command that is done, or not yet."""
        return self._ran(arguments, {0, 3}).stdout.decode()

    def failing(self, *arguments: str) -> str:
        """Run a command that is to fail; all that it says."""
        done = self._ran(arguments, {1})
        return (done.stdout + done.stderr).decode()

    def _ran(self, arguments: Sequence[str], codes: set[int]) -> subprocess.CompletedProcess[bytes]:
        done = subprocess.run(
            self._command(*arguments), env=os.environ | self._environment,
            check=False, capture_output=True, timeout=COMMAND_SECONDS,
        )  # fmt: skip
        assert done.returncode in codes, (arguments, done.stdout, done.stderr)
        return done

    def start(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        """A command that runs beside the others."""
        return self._start(name, self._command(*arguments))

    def forget_groups(self) -> None:
        """All that the workers' groups have committed is gone; they have no members."""
        empty_groups(self.settings.kafka_bootstrap)
        names = [f"mingle-{role}" for role in ROLES]
        for future in self._admin.delete_consumer_groups(names).values():
            future.result(ANSWER_SECONDS)

    def truncate(self, topic: str, partition: int, before: int) -> None:
        """Kafka lets go of what is below this offset."""
        places = [TopicPartition(topic, partition, before)]
        for future in self._admin.delete_records(places).values():
            future.result(ANSWER_SECONDS)

    def start_worker(self, name: str, *arguments: str, **settings: Any) -> subprocess.Popen[bytes]:
        """A worker of that name; settings of its own come before the pipeline's."""
        return self._start(name, self._command("worker", *arguments), **settings)

    def start_api(self, name: str, **settings: Any) -> Site:
        """An API; it is stopped with the workers."""
        site = Site(first_free_port(1))
        self._start(name, self._command("api"), api_port=site.port, **settings)
        return site

    def start_site(self, name: str, *arguments: str, **settings: Any) -> Site:
        """A worker, and what it says of itself once it is up."""
        site = Site(first_free_port(1))
        self.start_worker(name, *arguments, metrics_port=site.port, **settings)
        return site

    def start_verifier(self, name: str) -> Site:
        """A comparison every second, and its figures."""
        site = Site(first_free_port(1))
        self._start(name, self._command("verify", "--every", "1"), metrics_port=site.port)
        return site

    def start_faulty_worker(
        self, name: str, settings: Mapping[str, Any] | None = None, **plan: Any
    ) -> Journal:
        """A worker with a `Plan` and perhaps settings of its own; the journal that it keeps."""
        path = self.folder / f"{name}.journal"
        told = msgspec.json.encode(Plan(journal=str(path), **plan)).decode()
        command = [sys.executable, "-m", "tests.e2e.faulty_worker", told]
        self._start(name, command, **(settings or {}))
        return Journal(path)

    def _start(self, name: str, command: list[str], **settings: Any) -> subprocess.Popen[bytes]:
        own = as_environment({"worker_name": name} | settings)
        with (self.folder / f"{name}.log").open("ab") as log:
            worker = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=ROOT,
                env=os.environ | self._environment | own,
            )  # fmt: skip
        self.workers[name] = worker
        return worker

    def stop(self) -> None:
        for worker in self.workers.values():
            if worker.poll() is None:
                worker.send_signal(signal.SIGTERM)
                worker.send_signal(signal.SIGCONT)  # one that froze itself
        for worker in self.workers.values():
            try:
                worker.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait(STOP_SECONDS)
        for group in self._groups.values():
            group.close()

    def kill(self, name: str) -> int:
        """SIGKILL; the exit code."""
        worker = self.workers.pop(name)
        worker.kill()
        return worker.wait(STOP_SECONDS)

    def end_of(self, name: str, seconds: float) -> int:
        """The exit code of a worker that is to end by itself within that time."""
        code = self.workers[name].wait(seconds)
        del self.workers[name]  # one that has not ended is still to be stopped
        return code

    def stop_worker(self, name: str, seconds: float = STOP_SECONDS) -> float:
        """SIGTERM: it ends in time, and well, whatever is away. How many seconds it took."""
        began = time.monotonic()
        self.workers[name].terminate()
        assert self.end_of(name, seconds) == 0
        return round(time.monotonic() - began, 1)

    def rss_max(self) -> int:
        """The most memory that any worker has had resident, in bytes."""
        return max(memory_of(worker.pid, "VmHWM") for worker in self.workers.values())

    def publish(self, messages: Iterable[Message | Outgoing]) -> int:
        """Appends messages to their topics; all of them are acknowledged on return."""
        with Publisher(self.settings.brokers) as publisher:
            for each in messages:
                publisher.send(each if isinstance(each, Outgoing) else Outgoing(*encode(each)))
        return publisher.acknowledged.total()

    def handle(self, messages: Iterable[Message | Outgoing], seconds: float) -> None:
        """Publish messages, and wait until they are handled."""
        self.publish(messages)
        self.drain(seconds)

    def drain(self, seconds: float, roles: Iterable[str] = ROLES) -> None:
        """Waits until everything published is handled, and all that it asked for too.

        The ingest role first: its offsets count only when its requests are in their topics.
        """
        deadline = time.monotonic() + seconds
        for role in roles:
            read = READ[role]
            self.until(lambda read=read, role=role: not self.lag(role, read), deadline)

    def lag_of_all(self) -> int:
        """Messages that no role has committed."""
        return sum(self.lag(role, read) for role, read in READ.items())

    def committed(self) -> int:
        """Messages that were committed, of all topics."""
        return sum(sum(self.ends(read).values()) for read in READ.values()) - self.lag_of_all()

    def lag(self, role: str, names: Sequence[str]) -> int:
        """Messages in these topics that the role has not committed."""
        ends = self.ends(names)
        done = self.offsets(role)
        return sum(end - done.get(place, 0) for place, end in ends.items())

    def offsets(self, role: str) -> dict[Place, int]:
        """What the role has committed."""
        wanted = [TopicPartition(*place) for place in places(READ[role])]
        try:
            held = self._group(role).committed(wanted, timeout=ANSWER_SECONDS)
        except KafkaException:
            self._groups.pop(role, None)  # the next is asked by a client that remembers nothing
            raise
        return {(each.topic, each.partition): max(0, each.offset) for each in held}

    def _group(self, role: str) -> Any:
        """Asks for a group's offsets without joining it.

        librdkafka's admin client ends the process (a null pointer) when it asks the wrong broker
        for them, or asks while the group's coordinator is loading.
        """
        if role not in self._groups:
            bootstrap = {"bootstrap.servers": self.settings.kafka_bootstrap, "log_level": 0}
            self._groups[role] = Consumer(bootstrap | {"group.id": f"mingle-{role}"})
        return self._groups[role]

    def members(self, role: str) -> dict[str, int]:
        """How many partitions each worker of a role has, by its name; {} while that changes."""
        told = {"request_timeout": REQUEST_SECONDS}
        answer = self._admin.describe_consumer_groups([f"mingle-{role}"], **told)
        try:
            group = next(iter(answer.values())).result(ANSWER_SECONDS)
        except KafkaException:
            self._admin = self._connect()  # the old one goes on asking where nobody answers
            raise
        if group.state != ConsumerGroupState.STABLE:
            return {}
        return {
            str(member.group_instance_id or member.client_id).removesuffix(f"-{role}"): len(
                member.assignment.topic_partitions
            )
            for member in group.members
        }

    def are_members(self, names: Iterable[str], roles: Iterable[str] = ROLES) -> bool:
        """Whether exactly these workers have partitions, of each of the roles."""
        return all(set(self.members(role)) == set(names) for role in roles)

    def add_partitions(self, grown: Mapping[str, topics.Topic]) -> None:
        admin = self._connect()  # held: what it was asked for ends with it
        wanted = [NewPartitions(name, topic.partitions) for name, topic in grown.items()]
        for future in admin.create_partitions(wanted).values():
            future.result(ANSWER_SECONDS)

    def ends(self, names: Sequence[str]) -> dict[Place, int]:
        latest = OffsetSpec.latest()
        wanted = {TopicPartition(*place): latest for place in places(names)}
        answers = self._admin.list_offsets(wanted, request_timeout=ANSWER_SECONDS)
        try:
            return {(at.topic, at.partition): f.result().offset for at, f in answers.items()}
        except KafkaException:
            # It asks with the leader's epoch that it knew before a restart or a freeze, is told
            # that this is fenced, and does not forget it.
            self._admin = self._connect()
            raise

    def _connect(self) -> Any:
        return AdminClient({"bootstrap.servers": self.settings.kafka_bootstrap, "log_level": 0})

    def until(self, holds: Callable[[], bool], deadline: float | None = None) -> None:
        deadline = time.monotonic() + ANSWER_SECONDS if deadline is None else deadline
        while not _now(holds):
            for worker in self.workers.values():
                assert worker.poll() is None, f"worker ended with {worker.returncode}"
            assert time.monotonic() < deadline, "not within its time"
            time.sleep(POLL_SECONDS)

    def _command(self, *arguments: str) -> list[str]:
        return [str(Path(sys.executable).with_name("mingle")), *arguments]


def as_environment(settings: Mapping[str, object]) -> dict[str, str]:
    return {f"MINGLE_{name.upper()}": str(value) for name, value in settings.items()}


def places(names: Iterable[str]) -> list[Place]:
    """Every partition of these topics."""
    declared = topics.load_topics()
    return [(name, index) for name in names for index in range(declared[name].partitions)]


def memory_of(pid: int, name: str) -> int:
    """VmRSS, the bytes that a process has resident, or VmHWM, the most; 0 of one that has ended."""
    lines = map(str.split, Path(f"/proc/{pid}/status").read_text().splitlines())
    return next((int(line[1]) * 1_024 for line in lines if line[0] == f"{name}:"), 0)


def _now(holds: Callable[[], bool]) -> bool:
    """Whether it holds, as far as Kafka says it now."""
    try:
        return holds()
    except KafkaException as error:
        if error.args[0].code() not in NOT_NOW:
            raise
        return False
