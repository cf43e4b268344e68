"""Builds wheels that have every package of the project below `mingle`; decision 39 says why.

Everything else is setuptools'. An editable installation leaves the packages where they are.
"""

import ast
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

from setuptools import build_meta
from setuptools.build_meta import (
    build_editable,
    build_sdist,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
]

ROOT = Path(__file__).parents[1]
NAME = "mingle"
PACKAGES = ("schemas", "services", "streams", "servers", "loadtest")
DESCRIPTION = ("pyproject.toml", "README.md", "LICENSE")
MODULE = re.compile(rf"(?:{'|'.join(PACKAGES)})(?:\.\w+)*\.?")


class NotMovable(ValueError):
    """A line names a module in a way that cannot be rewritten; the message says where."""


def build_wheel(
    wheel_directory: str,
    config_settings: dict[str, Any] | None = None,
    metadata_directory: str | None = None,
) -> str:
    """Build the wheel from a copy whose packages are below `mingle`, and leave nothing behind."""
    target = Path(wheel_directory).absolute()
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        lay_out(ROOT, Path(folder))
        built: str = build_meta.build_wheel(os.fspath(target), config_settings, metadata_directory)
        return built


def lay_out(root: Path, target: Path) -> None:
    """Copy the project with its packages below `mingle` and their imports rewritten."""
    for name in DESCRIPTION:
        shutil.copy(root / name, target)
    for name in (NAME, *PACKAGES):
        place = target / NAME / ("" if name == NAME else name)
        shutil.copytree(
            root / name, place, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True
        )
    for file in (target / NAME).rglob("*.py"):
        file.write_bytes(moved(file.read_bytes(), file.relative_to(target).as_posix()))


def moved(source: bytes, place: str) -> bytes:
    """Return a module with what it imports of the project below `mingle`, line by line as it was.

    Raises NotMovable for a module that is named by a string: such a name would be found in a
    checkout only.
    """
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source)):
        if (named := _named_by_string(node)) is not None:
            raise NotMovable(
                f"{place}:{named.lineno}: {named.value!r}: use __name__ or __package__"
            )
        if isinstance(node, ast.Import | ast.ImportFrom):
            for was, becomes in _rewritten(node, place):
                line = lines[node.lineno - 1]
                before, rest = line[: node.col_offset], line[node.col_offset :]
                if not rest.startswith(was):
                    raise NotMovable(f"{place}:{node.lineno}: not on one line as {was.decode()!r}")
                lines[node.lineno - 1] = before + becomes + rest.removeprefix(was)
    return b"".join(lines)


def _rewritten(node: ast.Import | ast.ImportFrom, place: str) -> Iterator[tuple[bytes, bytes]]:
    """Yield what an import begins with and shall begin with, where it is one of the project's."""
    if isinstance(node, ast.ImportFrom):
        if node.level == 0 and MODULE.fullmatch(node.module or ""):
            yield f"from {node.module}".encode(), f"from {NAME}.{node.module}".encode()
        return
    if not any(MODULE.fullmatch(each.name) for each in node.names):
        return
    name, alias = node.names[0].name, node.names[0].asname
    if len(node.names) > 1 or ("." in name and alias is None):
        raise NotMovable(f"{place}:{node.lineno}: import one name, with `from` or `as`")
    becomes = f"import {NAME}.{name}" if alias else f"from {NAME} import {name}"
    yield f"import {name}".encode(), becomes.encode()


def _named_by_string(node: ast.AST) -> ast.Constant | None:
    """Return the string by which a module is named: `a.b` anywhere, `a` where it is looked up."""
    if isinstance(node, ast.Call):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        called = node.func.id if isinstance(node.func, ast.Name) else called
        looked_up = called in {"files", "import_module", "getLogger", "get_logger"}
        candidates, least = node.args if looked_up else [], 0
    else:
        candidates, least = [node] if isinstance(node, ast.expr) else [], 1
    for each in candidates:
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            fits = MODULE.fullmatch(each.value) and each.value.count(".") >= least
            return each if fits else None
    return None
