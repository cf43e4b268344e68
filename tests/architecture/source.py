"""The project's modules and what each imports, read from their text."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOP_LEVEL = ("mingle", "schemas", "services", "streams", "servers", "loadtest", "k8s")


def module_name(file: Path) -> str:
    """The dotted name of a module; a package's is that of its `__init__`."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


MODULES: Mapping[str, Path] = {
    module_name(file): file for top in TOP_LEVEL for file in sorted((ROOT / top).rglob("*.py"))
}
PACKAGES = sorted(name for name, file in MODULES.items() if file.name == "__init__.py")


def imported_names(file: Path) -> Iterator[tuple[str, str]]:
    """Every (module, name) that a file imports; the name is "" for a whole module."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from ((each.name, "") for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from ((node.module or "", each.name) for each in node.names)


def imported_modules(file: Path) -> Iterator[str]:
    """Every module that a file imports, also where it is imported as a name of its package."""
    for module, name in imported_names(file):
        yield full if (full := f"{module}.{name}") in MODULES else module


def child_of(package: str, module: str) -> str | None:
    """The direct child of a package that a module is, or is in; None for one from elsewhere."""
    inside = module.removeprefix(f"{package}.")
    return None if inside == module else inside.split(".")[0]


def imports_between_children(package: str) -> dict[str, dict[str, list[str]]]:
    """Which children of a package import which, with the imports that do it."""
    arrows: dict[str, dict[str, list[str]]] = {}
    for module, file in MODULES.items():
        child = child_of(package, module)
        if child is None:
            continue
        arrows.setdefault(child, {})
        for target in imported_modules(file):
            other = child_of(package, target)
            if other is not None and other != child:
                arrows[child].setdefault(other, []).append(f"{module} imports {target}")
    return arrows
