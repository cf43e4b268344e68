"""Events, requests, topics, message schemas with examples, and CQL migrations."""
