"""What moves: agents, the delivery loop, dead letters, the worker's composition root and the `mingle` command."""
