"""Mingle in one process: a broker over real TCP, memory stores, no server to install."""
