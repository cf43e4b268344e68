"""The arrows between folders, and the sizes that keep a room habitable."""

import ast
from pathlib import Path

import pytest

from tests.architecture.source import MODULES, ROOT, imported_modules, imported_names

OURS = ("mingle", "schemas", "services", "streams", "servers", "loadtest", "k8s", "tests")
MAY_IMPORT = {
    "mingle": {"streams"},
    "schemas": {"schemas"},
    "services": {"services", "schemas"},
    "streams": {"streams", "services", "schemas"},
    "servers": {"servers"},
    "k8s": {"k8s"},
    # Load comes through Kafka and the API, as a user's would. What stands beside it does not: the
    # follow graph is loaded through the product's stores, the store's own limit is measured through
    # its packed writer, and a run starts servers.
    "loadtest": {"loadtest", "schemas", "services", "servers"},
}
ENTRANCES = {
    "streams/cli/loadtest.py": {"loadtest", "servers"},
    "loadtest/kafka.py": {"streams"},
}
"""A command of the one program that is about another folder, and what asks the brokers how far the
workers are as the program itself does."""
COMPOSITION_ROOTS = {"streams/bootstrap.py", "loadtest/store.py", "loadtest/stored_world.py"}
ADAPTERS = {"memory", "cassandra"}
MAX_MODULE = 350
MAX_FUNCTION = 45
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}

FILES = list(MODULES.values())


def place(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("file", FILES, ids=place)
def test_imports_go_one_way(file: Path) -> None:
    """Streams → services → schemas; loadtest looks at them from outside; servers stands alone."""
    allowed = MAY_IMPORT[place(file).split("/")[0]] | ENTRANCES.get(place(file), set())
    for module in imported_modules(file):
        top = module.split(".")[0]
        assert top not in OURS or top in allowed, module


@pytest.mark.parametrize("file", FILES, ids=place)
def test_only_composition_roots_choose_adapters(file: Path) -> None:
    """Whoever imports an adapter decides what runs."""
    if place(file) in COMPOSITION_ROOTS:
        return
    for module in imported_modules(file):
        parts = module.split(".")
        assert parts[0] not in {"services", "streams"} or parts[-1] not in ADAPTERS, module


@pytest.mark.parametrize("file", FILES, ids=place)
def test_modules_and_functions_are_small(file: Path) -> None:
    """And their names say something."""
    text = file.read_text()
    assert text.count("\n") <= MAX_MODULE
    assert file.stem not in SAYS_NOTHING
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < MAX_FUNCTION, node.name


def test_the_schemas_know_no_broker_and_no_store() -> None:
    """The standard library, numpy for ids in arrays, and one codec library."""
    known = {"msgspec", "numpy", "schemas"}
    for file in (ROOT / "schemas").rglob("*.py"):
        foreign = {module.split(".")[0] for module in imported_modules(file)} - known
        assert not foreign & {"faust", "aiokafka", "cassandra", "litestar", "confluent_kafka"}


def test_records_are_read_with_the_bounds_of_workers() -> None:
    """Consumers of librdkafka unpack without a bound: they join groups and ask for offsets."""
    joining = {"streams/replay/consumer.py", "streams/replay/live.py", "loadtest/kafka.py"}
    for folder in ("streams", "services", "loadtest"):
        for file in (ROOT / folder).rglob("*.py"):
            if ("confluent_kafka", "Consumer") in imported_names(file):
                assert str(file.relative_to(ROOT)) in joining
                assert ".consume(" not in file.read_text(), file
