"""Renders the API's answers for a terminal: pure functions from bodies to rich objects."""
