"""Turns the lines and rows of files into messages for Kafka."""
