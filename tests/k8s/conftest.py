"""Manifests as a cluster would get them, rendered once a session."""

import subprocess
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
KUSTOMIZE = ROOT / ".tools" / "kustomize"
RENDER_SECONDS = 60.0
OVERLAYS = sorted(path.parent for path in ROOT.glob("k8s/overlays/*/kustomization.yaml"))
COMBINATIONS = sorted(path.parent for path in ROOT.glob("k8s/tests/*/kustomization.yaml"))

Manifest = Mapping[str, Any]
Render = Callable[[Path], list[Manifest]]


@cache
def rendered(folder: Path) -> list[Manifest]:
    done = subprocess.run(
        [KUSTOMIZE, "build", folder], capture_output=True, check=False, timeout=RENDER_SECONDS
    )
    assert done.returncode == 0, done.stderr.decode()
    assert not done.stderr, done.stderr.decode()
    return list(yaml.safe_load_all(done.stdout))


@pytest.fixture(
    params=[*OVERLAYS, *COMBINATIONS], ids=lambda folder: f"{folder.parent.name}/{folder.name}"
)
def manifests(request: pytest.FixtureRequest) -> list[Manifest]:
    """Everything that an overlay, or a combination under test, applies."""
    return rendered_or_skipped(request.param)


@pytest.fixture
def production() -> list[Manifest]:
    return rendered_or_skipped(ROOT / "k8s" / "overlays" / "production")


def rendered_or_skipped(folder: Path) -> list[Manifest]:
    if not KUSTOMIZE.exists():
        pytest.skip("kustomize is not built: `make tools`, which needs Go")
    return rendered(folder)
