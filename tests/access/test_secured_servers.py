"""Real servers that ask who is there: Kafka by SCRAM over TLS, Cassandra by certificate and user.

The users of both, and what each may do, are those of the manifests. So what is proved here is also
that none lacks anything.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from cassandra import Unauthorized
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import Cluster
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from schemas import topics
from schemas.codec import encode
from schemas.events import FollowCreated, PostCreated
from schemas.ids import post_id
from servers.cassandra import SUPERUSER
from servers.ports import first_free_port
from services.settings.brokers import Brokers
from streams.kafka.topics import TopicAdmin, compare_topics
from streams.routes import ROLES
from tests.access.conftest import Certificates, SecuredServers

ROOT = Path(__file__).parents[2]
USERS = ROOT / "k8s" / "base" / "users" / "users.yaml"
STORE_ROLES = ROOT / "k8s" / "base" / "cassandra" / "roles.cql"
KEYSPACE, DC = "secured", "datacenter1"
PASSWORD = "geheim"
ALICE, BOB = 1, 2
COMMAND_SECONDS = 120.0
REFUSED_SECONDS = 60.0
"""A refusal takes less than two, the start of the program on a busy machine most of it."""
VISIBLE_SECONDS = 180.0
POLL_SECONDS = 0.5
ANSWER_SECONDS = 30.0
OPERATIONS = {
    "Describe": AclOperation.DESCRIBE,
    "DescribeConfigs": AclOperation.DESCRIBE_CONFIGS,
    "Read": AclOperation.READ,
    "Write": AclOperation.WRITE,
}
PATTERNS = {"literal": ResourcePatternType.LITERAL, "prefix": ResourcePatternType.PREFIXED}
KINDS = {"topic": ResourceType.TOPIC, "group": ResourceType.GROUP}

pytestmark = [pytest.mark.e2e, pytest.mark.proof, pytest.mark.timeout(900)]


class Site:
    """The program, told how to reach the secured servers and who it is."""

    def __init__(self, secured: SecuredServers, certificates: Certificates, folder: Path) -> None:
        self._certificates = certificates
        self._secured = secured
        password = folder / "password"
        password.write_text(f"{PASSWORD}\n")
        self._given = {
            "MINGLE_KAFKA_BOOTSTRAP": secured.scram,
            "MINGLE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "MINGLE_KAFKA_CA_FILE": certificates.ours.file,
            "MINGLE_KAFKA_USER": "mingle-operator",
            "MINGLE_KAFKA_PASSWORD_FILE": str(password),
            "MINGLE_CASSANDRA_PORT": str(secured.cassandra.port),
            "MINGLE_CASSANDRA_TLS": "true",
            "MINGLE_CASSANDRA_CA_FILE": certificates.ours.file,
            "MINGLE_CASSANDRA_CERTIFICATE_FILE": certificates.client.certificate_file,
            "MINGLE_CASSANDRA_KEY_FILE": certificates.client.key_file,
            "MINGLE_CASSANDRA_USER": "mingle-operator",
            "MINGLE_CASSANDRA_PASSWORD": PASSWORD,
            "MINGLE_CASSANDRA_KEYSPACE": KEYSPACE,
            "MINGLE_METRICS_PORT": "0",
            "MINGLE_RETENTION_DAYS": "0",
            "MINGLE_LOG_LEVEL": "warning",
        }

    def environment(self, **other: str) -> dict[str, str]:
        """Another value for some; "" for none."""
        given = self._given | {f"MINGLE_{name.upper()}": value for name, value in other.items()}
        return os.environ | {name: value for name, value in given.items() if value}

    def mingle(self, *arguments: str, fed: str = "", **other: str) -> tuple[int, str]:
        """A command's exit code and all that it says."""
        done = subprocess.run(
            [*PROGRAM, *arguments], env=self.environment(**other), input=fed, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=COMMAND_SECONDS, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout

    def by_certificate(self) -> dict[str, str]:
        """To Kafka's listener that asks for a certificate instead of a user."""
        shown = self._certificates.client
        return {
            "kafka_bootstrap": self._secured.mutual,
            "kafka_security_protocol": "SSL",
            "kafka_user": "",
            "kafka_password_file": "",
            "kafka_certificate_file": shown.certificate_file,
            "kafka_key_file": shown.key_file,
        }


PROGRAM = [str(Path(sys.executable).with_name("mingle"))]


@pytest.fixture(scope="session")
def site(
    secured: SecuredServers, certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> Site:
    """Topics, users and a migrated keyspace."""
    plain = Brokers(secured.kafka.address)
    admin, declared = TopicAdmin(plain), topics.load_topics()
    assert admin.mend(declared, compare_topics(declared, admin.actual(declared))) == []
    _let_in(AdminClient(plain.librdkafka()))
    _let_in_to_the_store(secured, certificates)
    site = Site(secured, certificates, tmp_path_factory.mktemp("site"))
    code, said = site.mingle("migrate", cassandra_user="mingle-migrate")
    assert code == 0, said
    return site


def _let_in(admin: Any) -> None:
    """The users of the manifests; and by its certificate whoever is the operator."""
    bindings: list[Any] = []
    for user in yaml.safe_load_all(USERS.read_text()):
        name = user["metadata"]["name"]
        principals = [f"User:{name}", *(["User:CN=mingle"] if name == "mingle-operator" else [])]
        made = UserScramCredentialUpsertion(
            name, ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096), PASSWORD.encode()
        )
        for future in admin.alter_user_scram_credentials([made]).values():
            future.result(ANSWER_SECONDS)
        for acl in user["spec"]["authorization"]["acls"]:
            bindings += [
                _binding(acl["resource"], each, operation)
                for each in principals
                for operation in acl["operations"]
            ]
    for future in admin.create_acls(bindings).values():
        future.result(ANSWER_SECONDS)


def _binding(resource: Mapping[str, str], principal: str, operation: str) -> Any:
    return AclBinding(
        KINDS[resource["type"]], resource["name"], PATTERNS[resource["patternType"]],
        principal, "*", OPERATIONS[operation], AclPermissionType.ALLOW,
    )  # fmt: skip


def _let_in_to_the_store(secured: SecuredServers, certificates: Certificates) -> None:
    """The roles of the manifests, in a keyspace on one node."""
    text = STORE_ROLES.read_text().replace("KEYSPACE mingle", f"KEYSPACE {KEYSPACE}")
    text = text.replace("EXISTS mingle", f"EXISTS {KEYSPACE}").replace("'dc1': 3", f"'{DC}': 1")
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    statements = [each.strip() for each in "\n".join(lines).split(";") if each.strip()]
    roles = [each.split('"')[1] for each in statements if each.startswith("CREATE ROLE")]
    with as_user(secured, certificates, SUPERUSER, SUPERUSER) as session:
        for each in statements:
            session.execute(each)
        for role in roles:
            session.execute(f"ALTER ROLE \"{role}\" WITH PASSWORD = '{PASSWORD}'")


@contextmanager
def as_user(
    secured: SecuredServers, certificates: Certificates, user: str, password: str = PASSWORD
) -> Iterator[Any]:
    """A session of Cassandra."""
    direct = Cluster(
        [secured.cassandra.host],
        port=secured.cassandra.port,
        ssl_context=certificates.ours.files(certificates.client).context(),
        auth_provider=PlainTextAuthProvider(user, password),
    )
    try:
        yield direct.connect()
    finally:
        direct.shutdown()


@pytest.fixture
def running(site: Site) -> Iterator[str]:
    """A worker of each role, each as its own user, and the API's address."""
    port = first_free_port(1)
    commands = [
        (
            ["worker", "--role", role],
            {"kafka_user": f"mingle-{role}", "cassandra_user": "mingle-worker"},
        )
        for role in ROLES
    ]
    # The API knows nothing of Kafka's users, as in the manifests.
    kafka = ("security_protocol", "ca_file", "user", "password_file")
    unknown = {f"kafka_{name}": "" for name in kafka}
    reads = {"cassandra_user": "mingle-api", "api_port": str(port)}
    commands.append((["api"], unknown | reads))
    with ExitStack() as stack:
        processes = [
            stack.enter_context(subprocess.Popen([*PROGRAM, *each], env=site.environment(**other)))
            for each, other in commands
        ]
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            for process in processes:
                process.send_signal(signal.SIGTERM)
            assert [each.wait(COMMAND_SECONDS) for each in processes] == [0] * len(processes)


def test_what_is_published_is_read(site: Site, running: str) -> None:
    """From `mingle publish` to Bob's home and his dead letters, everybody with their own rights."""
    code, said = site.mingle("publish", "-", fed=_log())
    assert (code, "errors" in said) == (0, False), said
    home = _until(lambda: _answer(f"{running}/v1/users/{BOB}/home"), _has_a_post)
    assert [each["text"] for each in home["items"]] == ["to my followers"]
    found = _until(lambda: _letters(site), bool)
    assert len(found) == 1
    assert "not_json" in found[0]


def _log() -> str:
    now = time.time_ns() // 1_000
    messages = [
        FollowCreated(version=now, follower_id=BOB, followee_id=ALICE),
        PostCreated(
            version=now, post_id=post_id(now // 1_000, 1), author_id=ALICE, text="to my followers"
        ),
    ]
    lines = [
        {"topic": topic, "value": json.loads(value)} for topic, _, value in map(encode, messages)
    ]
    return "\n".join(map(json.dumps, [*lines, {"topic": "posts", "key": "1", "raw": "none"}]))


def _has_a_post(home: Any) -> bool:
    return bool(home and home["items"])


def _answer(url: str) -> Any:
    try:
        answer = httpx.get(url, timeout=ANSWER_SECONDS, trust_env=False)
    except httpx.TransportError:
        return None
    return answer.json() if answer.is_success else None


def _letters(site: Site) -> Any:
    code, said = site.mingle("dead-letters", "list", "--json")
    assert code == 0, said
    return said.splitlines()


def _until(look: Callable[[], Any], holds: Callable[[Any], bool]) -> Any:
    deadline = time.monotonic() + VISIBLE_SECONDS
    while True:
        found = look()
        if holds(found):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(POLL_SECONDS)


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("api", "INSERT INTO accounts (user_id) VALUES (1)"),
        ("api", "CREATE TABLE more (a int PRIMARY KEY)"),
        ("worker", "CREATE TABLE more (a int PRIMARY KEY)"),
        ("worker", "DROP TABLE posts"),
        ("migrate", "DROP KEYSPACE secured"),
        ("operator", "CREATE ROLE somebody"),
        ("operator", "DROP KEYSPACE system_auth"),
    ],
)
def test_no_role_may_more_than_it_needs(
    site: Site, secured: SecuredServers, certificates: Certificates, role: str, statement: str
) -> None:
    """The API writes nothing, workers make no tables; who made a table may also drop it."""
    del site  # has let them in
    with as_user(secured, certificates, f"mingle-{role}") as session:
        session.set_keyspace(KEYSPACE)
        assert session.execute("SELECT number FROM schema_migrations").one()
        with pytest.raises(Unauthorized):
            session.execute(statement)


def test_an_operator_makes_and_drops_generations(site: Site) -> None:
    """A rebuild of one home, and a comparison, by the role of the toolbox."""
    for command in ("rebuild 1", "verify --users 1", "generations"):
        code, said = site.mingle(*command.split())
        assert code == 0, said


def test_doctor_says_what_it_connected_with(site: Site) -> None:
    """By user or by certificate; never the password."""
    for other, words in (
        ({}, "SASL_SSL, with SCRAM-SHA-512 as mingle-operator, trusting "),
        (site.by_certificate(), "SSL, trusting "),
    ):
        _, said = site.mingle("doctor", "--json", **other)
        found = {each["check"]: each for each in json.loads(said)}
        assert (found["kafka"]["state"], found["topics"]["state"]) == ("ok", "ok"), said
        assert words in found["kafka"]["what"]
        assert found["migrations"]["state"] == "ok"
        assert found["cassandra"]["what"].endswith("as mingle-operator")
        assert "over TLS" in found["cassandra"]["what"]
        assert PASSWORD not in said


@pytest.mark.parametrize(
    ("command", "wrong", "named"),
    [
        ("topics check", {"kafka_password": "wrong", "kafka_password_file": ""},
         "MINGLE_KAFKA_USER and its password"),
        ("worker", {"kafka_password": "wrong", "kafka_password_file": ""},
         "MINGLE_KAFKA_USER and its password"),
        ("topics check", {"kafka_ca_file": "theirs"}, "MINGLE_KAFKA_CA_FILE"),
        ("publish -", {"kafka_ca_file": "theirs"}, "MINGLE_KAFKA_CA_FILE"),
        ("worker", {"kafka_ca_file": "theirs"}, "MINGLE_KAFKA_CA_FILE"),
        ("migrate", {"cassandra_password": "wrong"}, "MINGLE_CASSANDRA_USER and its password"),
        ("migrate", {"cassandra_ca_file": "theirs"}, "MINGLE_CASSANDRA_TLS, _CA_FILE"),
        ("worker", {"cassandra_password": "wrong"}, "MINGLE_CASSANDRA_USER and its password"),
        ("api", {"cassandra_password": "wrong"}, "MINGLE_CASSANDRA_USER and its password"),
        ("api", {"cassandra_ca_file": "theirs"}, "MINGLE_CASSANDRA_TLS, _CA_FILE"),
    ],
)  # fmt: skip
def test_who_is_refused_is_told_why(
    site: Site,
    certificates: Certificates,
    command: str,
    wrong: dict[str, str],
    named: str,
) -> None:
    """Exit code 1 and the settings to look at, at once, and nothing is given away."""
    files = {"theirs": certificates.theirs.file}
    began = time.monotonic()
    code, said = site.mingle(
        *command.split(),
        api_port="0",
        **{name: files.get(value, value) for name, value in wrong.items()},
    )
    assert time.monotonic() - began < REFUSED_SECONDS
    assert code == 1
    assert named in said
    assert PASSWORD not in said
