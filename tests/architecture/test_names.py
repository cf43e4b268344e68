"""One name, one meaning: a public name of a module stands for one thing in the whole tree."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import get_type_hints

import pytest

from services.handlers.outbox import RequestOutbox
from services.stores import Stores
from tests.architecture.source import MODULES, imported_names
from tests.contracts.conftest import WRITES
from tests.e2e import faults
from tests.properties.concurrent_writer import PIECEMEAL

WIRE = re.compile(r"services\.api\.(\w+_)?answers")
"""The API's JSON: its structs are called like what they show."""
CONVENTIONS = {
    "command",  # of a module of the command line
    "endpoints",  # of a module of the API
    "log",  # a module's logger
    "main",  # of a program
}
MAY_REPEAT: dict[str, str] = {}
"""Names that stand for several things all the same, each with the reason."""


def test_a_public_name_stands_for_one_thing() -> None:
    """A constant that no other module imports is its module's own, and may repeat."""
    imported = {
        (module, name) for file in MODULES.values() for module, name in imported_names(file)
    }
    homes: dict[str, list[str]] = defaultdict(list)
    for module, file in MODULES.items():
        for name in public_names(file):
            is_own = name.isupper() and (module, name) not in imported
            if not is_own and not WIRE.fullmatch(module) and name not in CONVENTIONS:
                homes[name].append(module)

    repeated = {name: modules for name, modules in homes.items() if len(modules) > 1}
    assert repeated.keys() == MAY_REPEAT.keys(), {
        name: modules for name, modules in repeated.items() if name not in MAY_REPEAT
    }


@pytest.mark.parametrize(
    "wrapped", [{each for names in faults.WRITES.values() for each in names}, WRITES, PIECEMEAL]
)
def test_writes_that_tests_wrap_are_methods_of_ports(wrapped: set[str]) -> None:
    """A method that is called otherwise now would be taken for a read, and no fault meet it."""
    ports = get_type_hints(Stores).values()
    methods = {name for port in ports for name in dir(port)} | set(dir(RequestOutbox))
    assert wrapped <= methods
    assert faults.WRITES.keys() == set(Stores._fields)


def public_names(file: Path) -> Iterator[str]:
    """The names that a module defines at its top level, but private ones and type variables."""
    for node in ast.parse(file.read_text()).body:
        match node:
            case ast.FunctionDef(decorator_list=[ast.Call(func=ast.Attribute(attr="command")), *_]):
                names = []  # called by its name on the command line
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names = [name]
            case ast.ClassDef(name=name):
                names = [name]
            case ast.AnnAssign(target=ast.Name(id=name)):
                names = [name]
            case ast.Assign(value=ast.Call(func=ast.Name(id="TypeVar"))):
                names = []
            case ast.Assign(targets=targets):
                names = [each.id for each in targets if isinstance(each, ast.Name)]
            case _:
                names = []
        yield from (name for name in names if not name.startswith("_"))
