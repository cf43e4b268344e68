"""The brake of a topic: intake stops when too many of its messages become dead letters."""
