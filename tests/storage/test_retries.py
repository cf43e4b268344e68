"""What is tried again inside the driver."""

import pytest
from cassandra import ConsistencyLevel
from cassandra.policies import RetryPolicy
from cassandra.query import SimpleStatement

from services.storage.cluster import RETRIES, IdempotentRetries

QUORUM = ConsistencyLevel.LOCAL_QUORUM
KINDS = ("on_read_timeout", "on_write_timeout", "on_unavailable", "on_request_error")


@pytest.mark.parametrize("kind", KINDS)
def test_an_idempotent_request_is_tried_again_a_few_times(kind: str) -> None:
    query = SimpleStatement("", is_idempotent=True)
    decide = getattr(IdempotentRetries(), kind)
    for tried in range(RETRIES):
        how, consistency = decide(query, QUORUM, retry_num=tried)
        assert how in (RetryPolicy.RETRY, RetryPolicy.RETRY_NEXT_HOST)
        assert consistency == QUORUM
    assert decide(query, QUORUM, retry_num=RETRIES) == (RetryPolicy.RETHROW, None)


@pytest.mark.parametrize("kind", KINDS)
def test_a_conditional_one_is_not(kind: str) -> None:
    """The migrator's lock: done twice, it would find itself refused."""
    query = SimpleStatement("")
    decide = getattr(IdempotentRetries(), kind)
    assert decide(query, QUORUM, retry_num=0) == (RetryPolicy.RETHROW, None)
