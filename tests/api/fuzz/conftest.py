"""Registers the plugin of schemathesis, whose imports take seconds, for these tests alone."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.import_plugin("schemathesis.pytest.plugin")
