"""Runs a one-node Kafka and Cassandra from Maven Central, without containers.

For development: `python -m servers up|down|status`. For tests: `servers.kafka` and
`servers.cassandra`.
"""
