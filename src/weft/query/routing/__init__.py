"""Questions about routing, answered from the ``routes`` table alone, so for every role and after every restart.

Comes in: a prefix or an address, a time, a session. Goes out: the routes that stood then, which of them was best and
why, and what changed. Must never ask the process that collects: what it knows is in the table.
"""
