"""Load runs: what fan-out costs, measured on the real servers, written down for a person."""
