"""Every error that the client can raise has a verdict."""

from collections.abc import Iterator
from typing import Any

import pytest
from aiokafka import errors
from aiokafka.errors import KafkaError

from streams.kafka.send_errors import SEND_VERDICTS, SendVerdict, judge_send_error


def classes(above: type[Any]) -> Iterator[type[Any]]:
    yield above
    for below in above.__subclasses__():
        yield from classes(below)


def test_every_error_of_the_client_is_classified() -> None:
    """A class that a new version brings has to be thought about first."""
    known = {each for each in classes(KafkaError) if each.__module__.startswith("aiokafka.")}
    named = {
        each
        for each in vars(errors).values()
        if isinstance(each, type) and issubclass(each, KafkaError)
    }
    assert known | named == set(SEND_VERDICTS)


@pytest.mark.parametrize("kind", sorted(SEND_VERDICTS, key=str))
def test_what_may_be_tried_at_once_is_never_the_message_s_fault(kind: type[KafkaError]) -> None:
    """The client's own word: what it calls retriable is not refused for good."""
    if kind.retriable:
        assert SEND_VERDICTS[kind] in {SendVerdict.LATER, SendVerdict.OPERATOR}


def test_only_size_is_held_against_a_message() -> None:
    """All else concerns every message alike: a dead letter each would lose nothing but order."""
    assert {kind for kind, verdict in SEND_VERDICTS.items() if verdict == "too_large"} == {
        errors.MessageSizeTooLargeError,
        errors.RecordListTooLargeError,
        errors.RecordTooLargeError,
    }


def test_an_unknown_class_is_judged_as_what_it_derives_from() -> None:
    """So that a release of the client breaks this suite, and no worker."""

    class New(errors.KafkaConnectionError):
        pass

    assert judge_send_error(New()) is SendVerdict.LATER
