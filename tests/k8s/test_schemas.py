"""Manifests are what Kubernetes and the operators take."""

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from tests.k8s.conftest import COMBINATIONS, OVERLAYS, ROOT, Manifest

SCHEMAS = ROOT / "k8s" / "schemas"
MOST_BYTES = 300_000


def validators() -> Mapping[str, Draft202012Validator]:
    """By `apiVersion/kind`."""
    found = {}
    for file in SCHEMAS.glob("*.json"):
        kept = json.loads(file.read_text())
        for kind, schema in kept["kinds"].items():
            found[kind] = Draft202012Validator(schema | {"$defs": kept["$defs"]})
    return found


VALIDATORS = validators()


def check(manifest: Manifest) -> None:
    VALIDATORS[f"{manifest['apiVersion']}/{manifest['kind']}"].validate(manifest)


def test_every_overlay_is_tried() -> None:
    """Three environments, and combinations of components that none of them has."""
    assert [each.name for each in OVERLAYS] == ["dev", "production", "staging"]
    assert COMBINATIONS


def test_every_object_is_valid(manifests: list[Manifest]) -> None:
    """Against the schema of its kind; a kind without one fails."""
    assert manifests
    for manifest in manifests:
        check(manifest)


def test_every_object_is_there_once(manifests: list[Manifest]) -> None:
    """By kind, namespace and name, which are what the cluster knows it by."""
    names = [
        (each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"])
        for each in manifests
    ]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("StatefulSet", ["spec", "replica"], 2),
        ("StatefulSet", ["spec", "replicas"], "two"),
        ("StatefulSet", ["spec", "template", "spec", "securityContext", "runAsNonroot"], True),
        ("StatefulSet", ["spec", "template", "spec", "containers", 0, "livenessprobe"], {}),
        ("NetworkPolicy", ["spec", "egres"], []),
        ("KafkaTopic", ["spec", "partitions"], 0),
        ("KafkaUser", ["spec", "authorization", "acls", 0, "operations"], ["Look"]),
        ("K8ssandraCluster", ["spec", "cassandra", "superUserSecretRef"], {"name": "a"}),
        ("K8ssandraCluster", ["spec", "cassandra", "datacenters", 0, "size"], "three"),
        ("ScaledObject", ["spec", "maxReplicas"], 4),
        ("PodMonitor", ["spec", "podMetricsEndpoints", 0, "intervall"], "15s"),
    ],
)
def test_a_wrong_field_is_refused(
    production: list[Manifest], kind: str, path: list[Any], value: Any
) -> None:
    """A schema that has lost its teeth would let a misspelling through."""
    manifest = copy.deepcopy(next(each for each in production if each["kind"] == kind))
    check(manifest)
    holder: Any = manifest
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    with pytest.raises(ValidationError):
        check(manifest)


def test_schemas_are_few_and_say_where_they_are_from() -> None:
    """They are kept in the repository, so they stay small."""
    files = list(SCHEMAS.glob("*.json"))
    assert sum(map(size, files)) < MOST_BYTES
    assert all(json.loads(file.read_text())["origin"] for file in files)


def size(file: Path) -> int:
    return file.stat().st_size
