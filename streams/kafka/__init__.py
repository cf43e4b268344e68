"""Kafka: the replaced parts of Faust's transport, readers, producers and topics."""

import streams.kafka.connections  # noqa: F401 - patches aiokafka before anything uses it
