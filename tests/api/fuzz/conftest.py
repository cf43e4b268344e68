"""Registers the plugin of schemathesis, whose imports take seconds, for these tests alone."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.import_plugin("schemathesis.pytest.plugin")


def pytest_itemcollected(item: pytest.Function) -> None:
    """Give the test of each operation an id of its own, which pytest takes from the function."""
    params = item.name.removeprefix(f"{item.originalname}[").removesuffix("]")
    assert item.parent
    item._id = item.parent.id.child(item.originalname).with_params(params)
