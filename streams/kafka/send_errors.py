"""What an error of sending says about the message: try later, ask an operator, or never."""

from enum import StrEnum
from typing import Final

from aiokafka import errors
from aiokafka.errors import KafkaError


class SendVerdict(StrEnum):
    """The way that a message takes whose sending failed."""

    LATER = "later"
    """Brokers, leaders or connections are away, or the producer has to be made anew: sent again."""
    OPERATOR = "operator"
    """A right, a topic or a setting is wrong. That says nothing against the message: it is sent
    again and `/readyz` names topic and error, as every other message would fail alike."""
    UNEXPECTED = "unexpected"
    """An answer to other requests, or a code that the client does not know: as OPERATOR."""
    TOO_LARGE = "too_large"
    """The topic never takes this message. It is the only error that is the message's own."""


_CLASSES: Final[dict[SendVerdict, tuple[type[KafkaError], ...]]] = {
    SendVerdict.LATER: (
        KafkaError, errors.BrokerNotAvailableError, errors.Cancelled,
        errors.ConcurrentTransactions, errors.CorrelationIdError, errors.CorruptRecordException,
        errors.DuplicateSequenceNumber, errors.GroupCoordinatorNotAvailableError,
        errors.GroupLoadInProgressError, errors.InvalidProducerEpoch,
        errors.InvalidProducerIdMapping, errors.KafkaConnectionError, errors.KafkaProtocolError,
        errors.KafkaStorageError, errors.KafkaTimeoutError, errors.KafkaUnavailableError,
        errors.LeaderNotAvailableError, errors.MetadataEmptyBrokerList, errors.NoBrokersAvailable,
        errors.NodeNotReadyError, errors.NotControllerError, errors.NotCoordinatorForGroupError,
        errors.NotEnoughReplicasAfterAppendError, errors.NotEnoughReplicasError,
        errors.NotLeaderForPartitionError, errors.OperationNotAttempted,
        errors.OutOfOrderSequenceNumber, errors.ProducerClosed, errors.ProducerFenced,
        errors.QuotaViolationError, errors.ReassignmentInProgress, errors.ReplicaNotAvailableError,
        errors.RequestTimedOutError, errors.StaleControllerEpochError,
        errors.StaleLeaderEpochCodeError, errors.StaleMetadata, errors.TooManyInFlightRequests,
        errors.UnknownProducerId,
    ),
    SendVerdict.OPERATOR: (
        errors.AuthenticationFailedError, errors.AuthenticationMethodNotSupported,
        errors.ClusterAuthorizationFailedError, errors.DelegationTokenAuthDisabled,
        errors.DelegationTokenAuthorizationFailed, errors.DelegationTokenExpired,
        errors.DelegationTokenNotFound, errors.DelegationTokenOwnerMismatch,
        errors.DelegationTokenRequestNotAllowed, errors.IllegalSaslStateError,
        errors.IncompatibleBrokerVersion, errors.InvalidConfigurationError,
        errors.InvalidRequiredAcksError, errors.InvalidTimestampError, errors.InvalidTopicError,
        errors.KafkaConfigurationError, errors.LogDirNotFound, errors.PolicyViolationError,
        errors.SaslAuthenticationFailed, errors.SecurityDisabled,
        errors.TopicAuthorizationFailedError, errors.TransactionalIdAuthorizationFailed,
        errors.UnknownTopicOrPartitionError, errors.UnrecognizedBrokerVersion,
        errors.UnsupportedCodecError, errors.UnsupportedForMessageFormatError,
        errors.UnsupportedSaslMechanismError, errors.UnsupportedVersionError,
    ),
    SendVerdict.TOO_LARGE: (
        errors.MessageSizeTooLargeError, errors.RecordListTooLargeError,
        errors.RecordTooLargeError,
    ),
    SendVerdict.UNEXPECTED: (
        errors.BrokerResponseError, errors.CommitFailedError, errors.FetchSessionIdNotFound,
        errors.GroupAuthorizationFailedError, errors.GroupIdNotFound, errors.IllegalArgumentError,
        errors.IllegalGenerationError, errors.IllegalStateError,
        errors.InconsistentGroupProtocolError, errors.InvalidCommitOffsetSizeError,
        errors.InvalidFetchRequestError, errors.InvalidFetchSessionEpoch,
        errors.InvalidGroupIdError, errors.InvalidPartitionsError, errors.InvalidPrincipalType,
        errors.InvalidReplicationAssignmentError, errors.InvalidReplicationFactorError,
        errors.InvalidRequestError, errors.InvalidSessionTimeoutError,
        errors.InvalidTransactionTimeout, errors.InvalidTxnState, errors.ListenerNotFound,
        errors.MemberIdRequired, errors.NoError, errors.NoOffsetForPartitionError,
        errors.NonEmptyGroup, errors.OffsetMetadataTooLargeError, errors.OffsetOutOfRangeError,
        errors.RebalanceInProgressError, errors.TopicAlreadyExistsError,
        errors.TransactionCoordinatorFenced, errors.UnknownError, errors.UnknownMemberIdError,
    ),
}  # fmt: skip
"""KafkaError itself is aiokafka's for a failed sender, CorruptRecordException a checksum that was
damaged on the way; ProducerClosed means that another call has failed and abandoned the producer.
All that is sent bears this worker's present time, so InvalidTimestampError is the broker's setting;
UnknownTopicOrPartitionError is raised once a topic is unknown for REQUEST_SECONDS."""

SEND_VERDICTS: Final = {kind: verdict for verdict, classes in _CLASSES.items() for kind in classes}
"""The verdict of every class of error that the client has."""


def judge_send_error(error: KafkaError) -> SendVerdict:
    """Return the verdict of the error's class, or of the nearest class above it."""
    return next(SEND_VERDICTS[kind] for kind in type(error).__mro__ if kind in SEND_VERDICTS)
