"""What asks a group's coordinator waits until there is one that knows the group."""

import pytest
from confluent_kafka import KafkaError, KafkaException

from streams.kafka import group_status
from streams.kafka.group_status import when_coordinated


class Asked:
    """Answers once it was refused with each of these errors."""

    def __init__(self, *codes: int) -> None:
        self._codes = list(codes)

    def __call__(self) -> str:
        if self._codes:
            raise KafkaException(KafkaError(self._codes.pop(0), ""))
        return "here"


def test_a_coordinator_is_asked_until_it_knows_the_group(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a start of the brokers."""
    monkeypatch.setattr(group_status, "POLL_SECONDS", 0)
    asked = Asked(
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.NOT_COORDINATOR,
    )
    assert when_coordinated(asked) == "here"


def test_what_a_coordinator_refuses_and_what_takes_too_long_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(KafkaException):
        when_coordinated(Asked(KafkaError.GROUP_AUTHORIZATION_FAILED))
    monkeypatch.setattr(group_status, "TIMEOUT", -1)
    with pytest.raises(KafkaException):
        when_coordinated(Asked(KafkaError.NOT_COORDINATOR))
