"""A synthetic organisation that speaks real protocols: scenario in, datagrams out."""
