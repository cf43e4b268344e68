"""The house: every package is free of circles, and services/ stands on the floors of design.md."""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.architecture.source import MODULES, PACKAGES, imported_modules, imports_between_children

FLOORS = (
    {"errors", "scan", "latest", "span", "clock", "words"},
    {"retention", "settings", "metrics"},
    {"buckets"},
    {"storage"},
    {
        "posts",
        "relations",
        "graph",
        "conversations",
        "reposts",
        "quotes",
        "search",
        "activity",
        "erasures",
        "generations",
        "mentions",
        "audiences",
        "inboxes",
    },
    {"timelines"},
    {"pulled"},
    {"stores", "visibility", "ranking"},
    {"handlers", "readers"},
    {"verification", "explorer"},
    {"api"},
)
"""The rooms of services/, from the ground up: a room imports only rooms of lower floors."""

MAY_CROSS: set[tuple[str, str]] = set()
"""(module, imported module) that readers and handlers may import of each other."""


@pytest.mark.parametrize("package", PACKAGES)
def test_no_package_has_a_circle(package: str) -> None:
    """What a package's modules and folders import of each other has an order."""
    arrows = imports_between_children(package)
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        circle = error.args[1]
        steps = zip(circle[1:], circle, strict=False)
        pytest.fail("\n".join(line for a, b in steps for line in arrows[a].get(b, [])))


def test_services_stands_on_its_floors() -> None:
    """Ground values, storage, stores, visibility, handlers beside readers, verification, API."""
    floor_of = {room: number for number, floor in enumerate(FLOORS) for room in floor}
    arrows = imports_between_children("services")
    assert arrows.keys() == floor_of.keys(), "a new room has a floor"

    upward = [
        line
        for room, targets in arrows.items()
        for target, lines in targets.items()
        if floor_of[target] >= floor_of[room]
        for line in lines
    ]
    assert upward == []


def test_readers_and_handlers_do_not_know_each_other() -> None:
    """What a reader needs of the write side, or a handler of the read side, stands below both."""
    crossing = set(_crossing("services.readers", "services.handlers"))
    crossing |= set(_crossing("services.handlers", "services.readers"))
    assert crossing == MAY_CROSS


def _crossing(room: str, other: str) -> Iterator[tuple[str, str]]:
    for module, file in MODULES.items():
        if module.startswith(f"{room}."):
            for target in imported_modules(file):
                if target.startswith(f"{other}."):
                    yield module, target
