"""What manifests say holds together, and agrees with the program."""

import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner

from schemas import topics
from servers import jars
from services.settings.settings import Settings
from streams.cli import COMMANDS, main
from streams.cli.configuration import environment_variable
from streams.kafka.topics import ActualTopic
from streams.routes import REQUEST_ROLES, ROLES, ROUTES
from tests.k8s.conftest import ROOT, Manifest, rendered_or_skipped

WORKLOADS = {"StatefulSet", "Deployment", "Job", "CronJob"}
CASSANDRA_ROLES = ("mingle-migrate", "mingle-worker", "mingle-api", "mingle-operator")
SECRETS = {
    "mingle-secrets",
    "mingle-metrics-token",
    "mingle-kafka-ca",
    *(each.replace("mingle", "mingle-cassandra") for each in CASSANDRA_ROLES),
}
"""Made by operators; the runbook says how."""
SHELL = "mingle-shell"
TOOLBOX = (SHELL, "mingle-verify", "mingle-snapshot-edges")
OF_CASSANDRA = {"mingle-superuser", "mingle-client-encryption"}
"""Those in its namespace."""


def of_kind(manifests: list[Manifest], *kinds: str) -> list[Manifest]:
    return [each for each in manifests if each["kind"] in kinds]


def template(workload: Manifest) -> Any:
    """What its pods are made from; a CronJob makes jobs first."""
    spec = workload["spec"]
    return spec.get("jobTemplate", {}).get("spec", spec)["template"]


def pod(workload: Manifest) -> Any:
    return template(workload)["spec"]


def container(workload: Manifest) -> Any:
    (only,) = pod(workload)["containers"]
    return only


def labels(workload: Manifest) -> dict[str, str]:
    return dict(template(workload)["metadata"]["labels"])


def chosen(selector: Any, workloads: list[Manifest]) -> list[str]:
    """The workloads whose pods have these labels."""
    wanted = selector.get("matchLabels", {}).items()
    return [each["metadata"]["name"] for each in workloads if wanted <= labels(each).items()]


def test_each_role_has_workers(manifests: list[Manifest]) -> None:
    """Those of `mingle worker --role`, no others, and each once."""
    args = [container(each)["args"] for each in of_kind(manifests, "StatefulSet")]
    assert sorted(args) == sorted(["worker", "--role", role] for role in ROLES)


def test_containers_run_commands_that_exist(manifests: list[Manifest]) -> None:
    """The arguments are a command of the program with its subcommand and options."""
    for each in of_kind(manifests, *WORKLOADS):
        if each["metadata"]["name"] == SHELL:
            assert "args" not in container(each)
            continue
        assert "command" not in container(each)
        args = container(each)["args"]
        assert args[0] in COMMANDS
        if each["kind"] == "CronJob":
            helped = CliRunner().invoke(main, [*args, "--help"])
            assert helped.exit_code == 0, helped.output


def test_everything_runs_one_image(manifests: list[Manifest]) -> None:
    """The version of the program, also where a component adds it."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    images = {container(each)["image"] for each in of_kind(manifests, *WORKLOADS)}
    assert images == {f"mingle:{version}"}


def test_settings_exist(manifests: list[Manifest]) -> None:
    """Every variable that a pod is given is in `mingle settings`, and their values are taken."""
    known = {environment_variable(name) for name in Settings.model_fields}
    (shared,) = (each["data"] for each in of_kind(manifests, "ConfigMap") if is_settings(each))
    for each in of_kind(manifests, *WORKLOADS):
        told = shared | environment(each)
        assert set(told) <= known
        # Files are where secrets are mounted, and what is in them is the cluster's.
        plain = {name: value for name, value in told.items() if not name.endswith("_FILE")}
        given = {name.removeprefix("MINGLE_").lower(): value for name, value in plain.items()}
        passwords = {"cassandra_password": "in a file"}
        if "kafka_user" in given:
            passwords["kafka_password"] = "in a file"
        Settings(**given | passwords)


def environment(workload: Manifest) -> dict[str, str]:
    """What the pod is told by value."""
    entries = container(workload).get("env", ())
    return {entry["name"]: entry["value"] for entry in entries if "value" in entry}


def is_settings(manifest: Manifest) -> bool:
    return str(manifest["metadata"]["name"]).startswith("mingle-settings")


def test_no_service_sets_a_setting(manifests: list[Manifest]) -> None:
    """Service links would put an address into MINGLE_API_PORT, which stops the start."""
    for each in of_kind(manifests, *WORKLOADS):
        assert pod(each)["enableServiceLinks"] is False


def test_what_pods_refer_to_is_there(manifests: list[Manifest]) -> None:
    """Settings by their generated name, secrets that the runbook makes, accounts, port names."""
    maps = {each["metadata"]["name"] for each in of_kind(manifests, "ConfigMap")}
    accounts = {each["metadata"]["name"] for each in of_kind(manifests, "ServiceAccount")}
    for each in of_kind(manifests, *WORKLOADS):
        assert pod(each)["serviceAccountName"] in accounts
        for source in container(each)["envFrom"]:
            if "configMapRef" in source:
                assert source["configMapRef"]["name"] in maps
            else:
                assert source["secretRef"]["name"] in SECRETS
        ports = {port["name"] for port in container(each).get("ports", ())}
        for probe in ("livenessProbe", "readinessProbe"):
            assert container(each).get(probe, {}).get("httpGet", {}).get("port") in {None, *ports}


def test_each_is_who_it_has_to_be_in_cassandra(manifests: list[Manifest]) -> None:
    """A role that `roles.cql` makes, by the password of that role's own secret."""
    made = (ROOT / "k8s" / "base" / "cassandra" / "roles.cql").read_text()
    assert set(re.findall(r'CREATE ROLE IF NOT EXISTS "(.*?)"', made)) == set(CASSANDRA_ROLES)
    for each in of_kind(manifests, *WORKLOADS):
        command = container(each).get("args", ["a shell"])[0]
        role = environment(each)["MINGLE_CASSANDRA_USER"]
        own = command if command in {"api", "migrate", "worker"} else "operator"
        assert role == f"mingle-{own}"
        assert mounted(each)["/run/mingle/cassandra"] == role.replace("mingle", "mingle-cassandra")


def test_the_runbook_makes_the_secrets() -> None:
    """What no manifest holds, an operator makes: the commands are there."""
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    assert all(f"create secret generic {name}" in runbook for name in SECRETS | OF_CASSANDRA)


def test_ports_are_those_of_the_program(manifests: list[Manifest]) -> None:
    """The defaults of `mingle settings`, since no manifest sets them."""
    fields = Settings.model_fields
    for each in of_kind(manifests, "StatefulSet"):
        assert container(each)["ports"][0]["containerPort"] == fields["metrics_port"].default
    for each in of_kind(manifests, "Deployment"):
        assert container(each)["ports"][0]["containerPort"] == fields["api_port"].default


def test_pods_are_restricted(manifests: list[Manifest]) -> None:
    """Non-root, read-only root, no capabilities, seccomp; the namespace refuses all else."""
    for each in of_kind(manifests, *WORKLOADS):
        assert pod(each)["securityContext"]["runAsNonRoot"] is True
        assert pod(each)["securityContext"]["runAsUser"] > 0
        assert pod(each)["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod(each)["automountServiceAccountToken"] is False
        assert container(each)["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
    (namespace,) = of_kind(manifests, "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_requests_and_limits(manifests: list[Manifest]) -> None:
    """Every container asks for what it needs and is bounded, in CPU and in memory."""
    for each in of_kind(manifests, *WORKLOADS):
        for kind in ("requests", "limits"):
            assert set(container(each)["resources"][kind]) == {"cpu", "memory"}


def test_workers_are_static_members(manifests: list[Manifest]) -> None:
    """The pod's name is the worker's; a rolling update replaces one pod at a time."""
    for each in of_kind(manifests, "StatefulSet"):
        (name,) = (entry for entry in container(each)["env"] if "valueFrom" in entry)
        assert name["name"] == "MINGLE_WORKER_NAME"
        assert name["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"
        assert each["spec"]["updateStrategy"] == {"type": "RollingUpdate"}  # one at a time


def test_pods_are_spread_and_kept(manifests: list[Manifest]) -> None:
    """Each workload spreads over zones and nodes by its own pods, and has one budget."""
    served = of_kind(manifests, "StatefulSet", "Deployment")
    budgets = of_kind(manifests, "PodDisruptionBudget")
    for each in served:
        own = each["metadata"]["name"]
        for spread in pod(each)["topologySpreadConstraints"]:
            assert chosen(spread["labelSelector"], served) == [own]
        held = [budget for budget in budgets if own in chosen(budget["spec"]["selector"], served)]
        assert [budget["spec"]["maxUnavailable"] for budget in held] == [1]


def test_services_reach_one_workload_each(manifests: list[Manifest]) -> None:
    """A StatefulSet names its own."""
    served = of_kind(manifests, "StatefulSet", "Deployment")
    for each in of_kind(manifests, "Service"):
        assert chosen({"matchLabels": each["spec"]["selector"]}, served) == [
            each["metadata"]["name"]
        ]
    services = {each["metadata"]["name"] for each in of_kind(manifests, "Service")}
    assert {each["spec"]["serviceName"] for each in of_kind(manifests, "StatefulSet")} <= services


def test_topics_are_those_of_the_schemas(manifests: list[Manifest]) -> None:
    """Names, partitions and settings, dead-letter topics included; nothing else."""
    applied = {
        each["metadata"]["name"]: (each["spec"]["partitions"], each["spec"]["config"])
        for each in of_kind(manifests, "KafkaTopic")
    }
    (replicas,) = {each["spec"]["replicas"] for each in of_kind(manifests, "KafkaTopic")}
    in_sync = {"min.insync.replicas": str(ActualTopic(0, {}, replicas).min_in_sync)}
    assert applied == {
        each.name: (each.partitions, {**each.config, **in_sync})
        for each in topics.load_topics().values()
    }


def test_each_role_may_do_on_kafka_what_it_does(manifests: list[Manifest]) -> None:
    """Read its topics in its group, write its dead letters and, from facts, requests; no more."""
    given = {
        each["metadata"]["name"]: set(rights(each)) for each in of_kind(manifests, "KafkaUser")
    }
    assert set(given) == {f"mingle-{role}" for role in (*ROLES, "operator")}
    asked = {route.topic for route in ROUTES if route.role in REQUEST_ROLES}
    for role in ROLES:
        routes = [each for each in ROUTES if each.role == role]
        read = {each.topic for each in routes}
        written = {topics.dead_letter_topic(each) for each in read}
        if not (asked & read or any(each.is_second for each in routes)):
            written |= asked
        assert given[f"mingle-{role}"] == {
            ("group", f"mingle-{role}", "literal", "Read"),
            *(("topic", each, "literal", right) for each in read for right in ("Describe", "Read")),
            *(
                ("topic", each, "literal", right)
                for each in written
                for right in ("Describe", "Write")
            ),
        }


def test_operators_may_use_every_topic_and_make_none(manifests: list[Manifest]) -> None:
    """What `topics check`, `publish`, `dead-letters` and replays ask of the brokers."""
    (operator,) = (
        each
        for each in of_kind(manifests, "KafkaUser")
        if each["metadata"]["name"] == "mingle-operator"
    )
    of_topics = ("Describe", "DescribeConfigs", "Read", "Write")
    assert set(rights(operator)) == {
        *(
            ("topic", name, "literal", right)
            for name in topics.load_topics()
            for right in of_topics
        ),
        *(("group", "mingle-", "prefix", right) for right in ("Describe", "Read")),
    }


def rights(user: Manifest) -> Iterator[tuple[str, str, str, str]]:
    """Kind, name, pattern and operation of all that a user may do."""
    for acl in user["spec"]["authorization"]["acls"]:
        resource = acl["resource"]
        for operation in acl["operations"]:
            yield resource["type"], resource["name"], resource["patternType"], operation


def test_each_role_is_its_own_user(manifests: list[Manifest]) -> None:
    """Its name and its secret, which the user operator puts where the pods are."""
    users = {
        (each["metadata"]["namespace"], each["metadata"]["name"])
        for each in of_kind(manifests, "KafkaUser")
    }
    for each in of_kind(manifests, "StatefulSet"):
        name = each["metadata"]["name"]
        assert environment(each)["MINGLE_KAFKA_USER"] == name
        assert mounted(each)["/run/mingle/kafka"] == name
        assert (each["metadata"]["namespace"], name) in users


def test_operators_commands_are_another_user(production: list[Manifest]) -> None:
    """Neither a worker's rights nor its group: those that the runbook gives to operators."""
    jobs = {each["metadata"]["name"]: each for each in of_kind(production, "CronJob")}
    assert set(jobs) == set(TOOLBOX)
    for each in jobs.values():
        assert environment(each)["MINGLE_KAFKA_USER"] == "mingle-operator"
        assert mounted(each)["/run/mingle/kafka"] == "mingle-operator"
        assert each["spec"]["concurrencyPolicy"] == "Forbid"
        job = each["spec"]["jobTemplate"]["spec"]
        assert job["activeDeadlineSeconds"] <= 8 * 3_600
        assert job["backoffLimit"] == 0


def test_plans_outlive_their_pod(production: list[Manifest]) -> None:
    """The shell works where it may write, although its own files are read-only."""
    (shell,) = (
        each for each in of_kind(production, "CronJob") if each["metadata"]["name"] == SHELL
    )
    assert shell["spec"]["suspend"] is True
    claims = {each["metadata"]["name"] for each in of_kind(production, "PersistentVolumeClaim")}
    (claimed,) = (
        each["persistentVolumeClaim"]["claimName"]
        for each in pod(shell)["volumes"]
        if "persistentVolumeClaim" in each
    )
    assert claimed in claims
    (plans,) = (each for each in container(shell)["volumeMounts"] if each["name"] == "plans")
    assert container(shell)["workingDir"] == plans["mountPath"]
    command, seconds = container(shell)["command"]
    assert (command, int(seconds)) == (
        "sleep",
        shell["spec"]["jobTemplate"]["spec"]["activeDeadlineSeconds"],
    )


def test_the_api_is_sized_by_what_it_requests() -> None:
    """An autoscaler measures against the request, and alone says how many there are."""
    manifests = rendered_or_skipped(ROOT / "k8s" / "tests" / "dev-outside")
    (scaler,) = of_kind(manifests, "HorizontalPodAutoscaler")
    (api,) = of_kind(manifests, "Deployment")
    target = scaler["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", api["metadata"]["name"])
    assert "replicas" not in api["spec"]
    (metric,) = (each["resource"] for each in scaler["spec"]["metrics"])
    assert metric["name"] in container(api)["resources"]["requests"]
    assert 2 <= scaler["spec"]["minReplicas"] < scaler["spec"]["maxReplicas"]
    assert scaler["spec"]["behavior"]["scaleDown"]["stabilizationWindowSeconds"] >= 300


def test_outside_only_the_interface_is_reached() -> None:
    """By TLS, at a service that is there; metrics and probes are for the inside."""
    manifests = rendered_or_skipped(ROOT / "k8s" / "tests" / "dev-outside")
    (ingress,) = (each["spec"] for each in of_kind(manifests, "Ingress"))
    (rule,) = ingress["rules"]
    assert [rule["host"]] == ingress["tls"][0]["hosts"]
    services = {each["metadata"]["name"]: each for each in of_kind(manifests, "Service")}
    for path in rule["http"]["paths"]:
        backend = path["backend"]["service"]
        ports = {port["name"] for port in services[backend["name"]]["spec"]["ports"]}
        assert backend["port"]["name"] in ports
    assert {path["path"] for path in rule["http"]["paths"]} == {"/v1", "/openapi.json", "/docs"}


def test_files_are_in_mounted_secrets(manifests: list[Manifest]) -> None:
    """Each that a setting names; none is mounted for nothing, and nobody may write there."""
    (shared,) = (each["data"] for each in of_kind(manifests, "ConfigMap") if is_settings(each))
    users = {each["metadata"]["name"] for each in of_kind(manifests, "KafkaUser")}
    for each in of_kind(manifests, *WORKLOADS):
        told = shared | environment(each)
        files = [value for name, value in told.items() if name.endswith("_FILE")]
        assert {file.rpartition("/")[0] for file in files} == set(mounted(each))
        assert set(mounted(each).values()) <= SECRETS | users
        mounts = container(each)["volumeMounts"]
        assert {each["name"] for each in mounts if not each.get("readOnly")} <= {"plans"}
        assert pod(each)["securityContext"]["fsGroup"] == pod(each)["securityContext"]["runAsGroup"]


def mounted(workload: Manifest) -> dict[str, str]:
    """The secret that is at each path."""
    secrets = {
        each["name"]: each["secret"]["secretName"]
        for each in pod(workload)["volumes"]
        if "secret" in each
    }
    return {
        each["mountPath"]: secrets[each["name"]]
        for each in container(workload)["volumeMounts"]
        if each["name"] in secrets
    }


def test_cassandra_asks_who_is_there(manifests: list[Manifest]) -> None:
    """Users, and TLS that nobody goes without; the secrets it names are the runbook's."""
    (cluster,) = of_kind(manifests, "K8ssandraCluster")
    assert cluster["spec"]["auth"] is True
    told = cluster["spec"]["cassandra"]
    encryption = told["config"]["cassandraYaml"]["client_encryption_options"]
    assert (encryption["enabled"], encryption["optional"]) == (True, False)
    named = {told["superuserSecretRef"]["name"]}
    named |= {each["name"] for each in told["clientEncryptionStores"].values()}
    assert named == OF_CASSANDRA


def test_cassandra_takes_our_batches(manifests: list[Manifest]) -> None:
    """What the development server is told of batches, production's is told too; same version."""
    (cluster,) = of_kind(manifests, "K8ssandraCluster")
    version = cluster["spec"]["cassandra"]["serverVersion"]
    assert jars.release_name("cassandra").startswith(f"cassandra-{version}-")
    told = cluster["spec"]["cassandra"]["config"]["cassandraYaml"]
    ours = (ROOT / "servers" / "config" / "cassandra.yaml").read_text().splitlines()
    for name, value in told.items():
        if "batch_" in name or "allocation" in name or "compatibility" in name:
            assert f"{name}: {value}" in ours


def test_the_store_is_where_settings_say(manifests: list[Manifest]) -> None:
    """The service that K8ssandra makes of cluster and data centre; no more replicas than nodes."""
    (cluster,) = of_kind(manifests, "K8ssandraCluster")
    (centre,) = cluster["spec"]["cassandra"]["datacenters"]
    (told,) = (each["data"] for each in of_kind(manifests, "ConfigMap") if is_settings(each))
    name, namespace = cluster["metadata"]["name"], cluster["metadata"]["namespace"]
    host = f"{name}-{centre['metadata']['name']}-service.{namespace}.svc"
    assert told["MINGLE_CASSANDRA_HOSTS"] == host
    assert told["MINGLE_CASSANDRA_TLS_NAME"] == host
    assert told["MINGLE_CASSANDRA_DATACENTER"] == centre["metadata"]["name"]
    assert int(told["MINGLE_CASSANDRA_REPLICATION"]) <= centre["size"]


def test_scaling_is_bounded_and_damped(production: list[Manifest]) -> None:
    """No more workers than any topic of the role has partitions; slowly down; on lag in seconds."""
    read = {role: [route.topic for route in ROUTES if route.role == role] for role in ROLES}
    scaled = {
        each["metadata"]["name"]: each["spec"] for each in of_kind(production, "ScaledObject")
    }
    assert set(scaled) == {f"mingle-{role}" for role in ROLES}
    for role, names in read.items():
        spec = scaled[f"mingle-{role}"]
        assert spec["scaleTargetRef"] == {"kind": "StatefulSet", "name": f"mingle-{role}"}
        assert spec["maxReplicaCount"] <= min(
            topics.load_topics()[name].partitions for name in names
        )
        lag = next(each for each in spec["triggers"] if each["type"] == "prometheus")
        assert "lag_seconds" in lag["metadata"]["query"]
        asked = lag["metadata"]["query"].split('topic=~"')[1].split('"')[0].split("|")
        assert sorted(asked) == sorted(names)
        down = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"]
        assert down["stabilizationWindowSeconds"] >= 300
        assert [each["value"] for each in down["policies"]] == [1]


def test_the_autoscaler_alone_sizes(production: list[Manifest]) -> None:
    """Applying the manifests again would otherwise undo what it did."""
    assert all("replicas" not in each["spec"] for each in of_kind(production, "StatefulSet"))


def rules(production: list[Manifest], workload: str, way: str) -> Iterator[tuple[str, int | str]]:
    """Where traffic of a workload may go to (or come from), by namespace, with the port."""
    direction, peers = ("ingress", "from") if way == "in" else ("egress", "to")
    served = of_kind(production, *WORKLOADS)
    for policy in of_kind(production, "NetworkPolicy"):
        if workload in chosen(policy["spec"]["podSelector"], served):
            for rule in policy["spec"].get(direction, ()):
                for peer in rule[peers]:
                    where = peer.get("namespaceSelector", {}).get("matchLabels", peer)
                    for port in rule["ports"]:
                        yield next(iter(where.values())), port["port"]


@pytest.mark.parametrize(
    ("workload", "inward", "outward"),
    [
        *((f"mingle-{role}", {("monitoring", "metrics")}, {("kafka", 9093), ("cassandra", 9042)})
          for role in ROLES),
        ("mingle-migrate", set(), {("cassandra", 9042)}),
        *((name, set(), {("kafka", 9093), ("cassandra", 9042)}) for name in TOOLBOX),
    ],
)  # fmt: skip
def test_workers_reach_only_their_servers(
    production: list[Manifest], workload: str, inward: set[Any], outward: set[Any]
) -> None:
    """Kafka and Cassandra, whoever scrapes them, names, and nothing else."""
    names = {("kube-system", 53)}
    assert set(rules(production, workload, "in")) == inward
    assert set(rules(production, workload, "out")) == outward | names


def test_the_api_reaches_no_kafka(production: list[Manifest]) -> None:
    """Cassandra and, outside of the cluster's networks, the issuer of tokens."""
    inward = set(rules(production, "mingle-api", "in"))
    assert inward == {("true", "http"), ("monitoring", "http")}
    outward = [place for place in rules(production, "mingle-api", "out") if place[1] != 53]
    assert ("cassandra", 9042) in outward
    assert [port for where, port in outward if where != "cassandra"] == [443]


def test_everything_else_is_denied(production: list[Manifest]) -> None:
    """One policy chooses every pod and allows nothing, both ways."""
    (deny,) = (
        each["spec"]
        for each in of_kind(production, "NetworkPolicy")
        if each["metadata"]["name"] == "default-deny"
    )
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_what_is_scraped_is_there(production: list[Manifest]) -> None:
    """Each monitor chooses workloads of ours by a port that they have."""
    served = of_kind(production, "StatefulSet", "Deployment")
    seen: list[str] = []
    for monitor in of_kind(production, "PodMonitor"):
        names = chosen(monitor["spec"]["selector"], served)
        (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
        for each in served:
            if each["metadata"]["name"] in names:
                assert container(each)["ports"][0]["name"] == endpoint["port"]
        seen += names
    assert sorted(seen) == sorted(each["metadata"]["name"] for each in served)
