"""Owns sockets, clocks, back-pressure and loss accounting: network in, decode → enrich → store out."""
