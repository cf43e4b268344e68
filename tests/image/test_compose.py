"""compose.yaml, without an engine: held to its schema, and to what it refers to."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator, ValidationError

from servers import jars
from services.settings.settings import Settings
from streams.cli import COMMANDS
from streams.cli.configuration import environment_variable

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: each for name, each in SERVICES.items() if "build" in each}
THEIRS = {name: each for name, each in SERVICES.items() if "build" not in each}


def validator() -> Draft202012Validator:
    kept = json.loads((ROOT / "k8s" / "schemas" / "compose.json").read_text())
    return Draft202012Validator(kept["kinds"]["compose"] | {"$defs": kept["$defs"]})


def test_it_is_a_compose_file() -> None:
    """By the specification's own schema, which refuses a misspelled field."""
    validator().validate(COMPOSE)
    with pytest.raises(ValidationError):
        validator().validate({"services": {"api": {"image": "mingle", "port": []}}})


def test_images_are_pinned() -> None:
    """A version of three numbers each; Kafka's and Cassandra's are those that tests run on."""
    for each in SERVICES.values():
        assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+", each["image"])
    for name in ("kafka", "cassandra"):
        assert jars.release_name(name).split("-")[1] == SERVICES[name]["image"].split(":")[1]


def test_commands_and_settings_exist() -> None:
    """Ours run commands of the program with settings it has."""
    known = {environment_variable(name) for name in Settings.model_fields}
    for each in OURS.values():
        assert each["command"][0] in COMMANDS
        assert set(each["environment"]) <= known


IMAGE_SETTINGS = """\
batch_size_warn_threshold: 5KiB
batch_size_fail_threshold: 50KiB
unlogged_batch_across_partitions_warn_threshold: 10
file_cache_enabled: false
commitlog_sync: periodic
commitlog_sync_period: 10000ms
commitlog_segment_size: 32MiB
"""
"""Lines of the image's cassandra.yaml; Cassandra refuses the period of `periodic` with `batch`."""


def test_what_the_runbook_asks_of_cassandra_is_set_everywhere(tmp_path: Path) -> None:
    """In compose by its start script, in the manifests, and in the servers that tests run on."""
    table = (ROOT / "docs" / "runbook.md").read_text().split("Cassandra must accept")[1]
    rows = [line for line in table.split("##")[0].splitlines() if line.startswith("| `")]
    asked = set(re.findall(r"`([a-z_]+)[`:]", " ".join(row.split("|")[1] for row in rows)))
    assert len(asked) == 5
    config = tmp_path / "cassandra.yaml"
    config.write_text(IMAGE_SETTINGS)
    script = SERVICES["cassandra"]["entrypoint"][-1].replace("exec docker-entrypoint.sh", "true")
    script = script.replace("/etc/cassandra/", f"{tmp_path}/").replace(
        "/mingle/", f"{ROOT}/compose/"
    )
    subprocess.run(["bash", "-ec", script], check=True, timeout=10)
    compose = yaml.safe_load(config.read_text())
    assert compose["commitlog_sync"] == "batch"
    assert "commitlog_sync_period" not in compose
    assert compose["commitlog_segment_size"] == "32MiB"
    manifest = yaml.safe_load((ROOT / "k8s/base/cassandra/cluster.yaml").read_text())
    manifest = manifest["spec"]["cassandra"]["config"]["cassandraYaml"]
    ours = (ROOT / "servers/config/cassandra.yaml").read_text()
    servers = dict(re.findall(r"^([a-z_]+): (\S+)$", ours, re.MULTILINE))
    for name in asked - {"commitlog_sync"}:
        assert compose[name] == manifest[name] == yaml.safe_load(servers[name])


def test_what_ends_is_started_again() -> None:
    """What serves, whenever it ends; what ends by itself, if it failed."""
    for name, each in SERVICES.items():
        ends = name in {"topics", "migrate"}
        assert each["restart"] == ("on-failure" if ends else "unless-stopped")


def test_only_this_machine_reaches_it() -> None:
    """Every published port is the loopback's, and no two are the same."""
    ports = [port for each in SERVICES.values() for port in each.get("ports", ())]
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert len(ports) == len({port.split(":")[1] for port in ports})


def test_what_it_mounts_is_there() -> None:
    """Files by their paths, volumes by their names."""
    for each in THEIRS.values():
        for source in (volume.split(":")[0] for volume in each.get("volumes", ())):
            assert (ROOT / source).exists() if "/" in source else source in COMPOSE["volumes"]


def test_each_part_waits_for_what_it_needs() -> None:
    """What is waited for is there, and has the health check or the end that is waited for."""
    for each in SERVICES.values():
        for name, how in each.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[name]
            else:
                assert how["condition"] == "service_completed_successfully"
                assert SERVICES[name]["command"][0] in {"topics", "migrate"}
