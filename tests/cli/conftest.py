"""Commands see no setting of whoever runs the tests."""

import os

import pytest


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("MINGLE_")]:
        monkeypatch.delenv(name)
