"""Kafka: the replaced parts of Faust's transport, readers, producers and topics."""

from streams.kafka import connections  # noqa: F401 - patches aiokafka before anything uses it
