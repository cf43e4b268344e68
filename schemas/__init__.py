"""What is agreed: events, requests, topics, message schemas with examples, CQL migrations."""
