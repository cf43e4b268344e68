"""The Kafka side of the streams: what of Faust is replaced, and what sends."""

import streams.kafka.connections  # noqa: F401 - mends aiokafka before anything uses it
