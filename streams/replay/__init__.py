"""Replays: events are applied again, by a plan, and the result is verified."""
