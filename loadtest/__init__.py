"""Load runs: measure on real servers what fan-out costs, and report it."""
