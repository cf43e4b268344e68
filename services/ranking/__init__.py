"""Order by how likely a viewer answers: pure functions of what the log says."""
