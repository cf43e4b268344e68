"""Cassandra, as adapters see it: statements, packed batches, one store per process, migrations."""
