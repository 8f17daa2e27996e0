"""Security: attacks and misuse, from flows and from logs, by how they behave rather than by signatures."""
