"""One-node Kafka and Cassandra for development and tests, from Maven Central, without containers.

`python -m servers up|down|status` on the command line; `servers.kafka` and `servers.cassandra`
from tests.
"""
