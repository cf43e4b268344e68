"""The explorer: pages in the browser that show what the public API answers; see README.md."""
