"""Dead letters as operators see them: read, shown, sent back or dropped."""
