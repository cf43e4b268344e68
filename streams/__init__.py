"""What moves: agents, one delivery loop, dead letters, the composition root, `mingle`."""
