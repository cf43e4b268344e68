"""Makes the schemas that check manifests and compose.yaml from Go modules.

`python -m k8s.vendor` writes `k8s/schemas/`; it needs Go. Descriptions, defaults, the state that
only a cluster writes and the fields in `LEFT_OUT` are left out. Fields that are not in a schema are
refused, so that none of these passes unchecked.
"""

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

SCHEMAS: Final = Path(__file__).parent / "schemas"
DOWNLOAD_SECONDS: Final = 600
SAYS_NOTHING: Final = ("description", "default", "example", "format")
LEFT_OUT: Final = {
    "status", "managedFields", "ownerReferences", "ephemeralContainers",
    "awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "csi", "ephemeral", "fc",
    "flexVolume", "flocker", "gcePersistentDisk", "gitRepo", "glusterfs", "iscsi", "nfs",
    "photonPersistentDisk", "portworxVolume", "quobyte", "rbd", "scaleIO", "storageos",
    "vsphereVolume", "downwardAPI", "projected", "hostPath", "resourceClaims", "windowsOptions",
    "seLinuxOptions", "affinity", "podFailurePolicy", "successPolicy", "volumeClaimTemplates",
    "oauth2", "basicAuth", "tlsConfig",
}  # fmt: skip
"""Fields that our manifests do not use."""


class Module(NamedTuple):
    """A Go module, and the kinds to take from its files."""

    path: str
    version: str
    files: tuple[str, ...]
    kinds: tuple[str, ...]


MODULES: Final = {
    "kubernetes": Module(
        "k8s.io/kubernetes",
        "v1.36.3",
        tuple(
            f"api/openapi-spec/v3/{each}_openapi.json"
            for each in ("api__v1", "apis__apps__v1", "apis__autoscaling__v2", "apis__batch__v1",
                         "apis__networking.k8s.io__v1", "apis__policy__v1")
        ),
        ("ConfigMap", "CronJob", "Deployment", "HorizontalPodAutoscaler", "Ingress", "Job",
         "Namespace", "NetworkPolicy", "PersistentVolumeClaim", "PodDisruptionBudget", "Service",
         "ServiceAccount", "StatefulSet"),
    ),
    "keda": Module(
        "github.com/kedacore/keda/v2",
        "v2.21.0",
        ("config/crd/bases/keda.sh_scaledobjects.yaml",),
        ("ScaledObject",),
    ),
    "compose": Module(
        "github.com/compose-spec/compose-go/v2",
        "v2.16.2",
        ("schema/compose-spec.json",),
        ("compose",),
    ),
    "prometheus-operator": Module(
        "github.com/prometheus-operator/prometheus-operator",
        "v0.85.0",
        ("example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml",
         "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml"),
        ("PodMonitor", "PrometheusRule"),
    ),
}  # fmt: skip
LICENCE: Final = "Apache-2.0"
"""The licence of all these modules."""

JSON = dict[str, Any]


def write_schemas(name: str) -> None:
    """Write the schemas of one module."""
    module = MODULES[name]
    folder = _download(module)
    kinds: JSON = {}
    definitions: JSON = {}
    for file in module.files:
        found, beside = _read(folder / file)
        kinds |= {key: found[key] for key in sorted(found) if key.split("/")[-1] in module.kinds}
        definitions |= beside
    kept = {
        "origin": f"{module.path}@{module.version}",
        "files": list(module.files),
        "licence": LICENCE,
        "made_by": "python -m k8s.vendor",
        "kinds": kinds,
        "$defs": dict(sorted(_reached(kinds, definitions).items())),
    }
    (SCHEMAS / f"{name}.json").write_text(json.dumps(kept, indent=1) + "\n")


def _download(module: Module) -> Path:
    command = ["go", "mod", "download", "-json", f"{module.path}@{module.version}"]
    done = subprocess.run(  # noqa: S603 - our own arguments
        command, check=True, capture_output=True, timeout=DOWNLOAD_SECONDS
    )
    return Path(json.loads(done.stdout)["Dir"])


def _read(file: Path) -> tuple[JSON, JSON]:
    """Return the kinds of a file by `apiVersion/kind`, and the definitions they may refer to."""
    if file.suffix == ".json":
        document = json.loads(file.read_text(), object_hook=_undescribed)
        if "$defs" in document:  # refuses unknown fields already
            return {"compose": document}, document.pop("$defs")
        schemas = document["components"]["schemas"]
        definitions = {name: _trimmed(schema) for name, schema in schemas.items()}
        return dict(_named(schemas, definitions)), definitions
    crd = yaml.safe_load(file.read_text())["spec"]
    kinds = {
        f"{crd['group']}/{each['name']}/{crd['names']['kind']}": _trimmed(
            each["schema"]["openAPIV3Schema"]
        )
        for each in crd["versions"]
    }
    return kinds, {}


def _undescribed(each: JSON) -> JSON:
    return {key: value for key, value in each.items() if not _describes(key, value)}


def _describes(key: str, value: Any) -> bool:
    return key == "description" and isinstance(value, str)


def _named(schemas: JSON, definitions: JSON) -> Iterator[tuple[str, JSON]]:
    for name, schema in schemas.items():
        for kind in schema.get("x-kubernetes-group-version-kind", ()):
            parts = (kind["group"], kind["version"], kind["kind"])
            yield "/".join(part for part in parts if part), definitions[name]


def _trimmed(schema: Any, *, names: bool = False) -> Any:
    """Return what validation needs; `names` where the keys are fields, not keywords."""
    if isinstance(schema, list):
        return [_trimmed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if names:
        return {key: _trimmed(each) for key, each in schema.items() if key not in LEFT_OUT}
    if "$ref" in schema:
        return {"$ref": "#/$defs/" + schema["$ref"].rsplit("/", 1)[1]}
    kept = {
        key: _trimmed(each, names=key == "properties")
        for key, each in schema.items()
        if key not in SAYS_NOTHING and not key.startswith("x-")
    }
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    if "properties" in kept and not schema.get("x-kubernetes-preserve-unknown-fields"):
        kept.setdefault("additionalProperties", False)
    if "required" in kept:
        kept["required"] = [name for name in kept["required"] if name not in LEFT_OUT]
    return _flat(kept)


def _flat(schema: JSON) -> JSON:
    """Replace `allOf` of a single reference by that reference."""
    return schema["allOf"][0] if list(schema) == ["allOf"] and len(schema["allOf"]) == 1 else schema


def _reached(kinds: Mapping[str, Any], definitions: JSON) -> JSON:
    """Return the definitions that the kinds refer to, directly or indirectly."""
    reached: JSON = {}
    waiting = list(_references(kinds))
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached[name] = definitions[name]
            waiting += _references(definitions[name])
    return reached


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].rsplit("/", 1)[1]
        for each in schema.values():
            yield from _references(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from _references(each)


if __name__ == "__main__":
    for each in MODULES:
        write_schemas(each)
