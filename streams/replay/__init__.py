"""Replays: events applied again, by a plan, watched, and proven right at the end."""
