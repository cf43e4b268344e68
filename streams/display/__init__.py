"""What the API answers, as people read it in a terminal: pure functions from bodies to rich."""
