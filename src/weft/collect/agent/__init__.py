"""The synthetics agent (``weft agent``): measures the network from where it runs, and reports to a Weft.

Comes in: tests that the server tells of. Goes out: rows of ``probes`` and ``hops``, as JSON, to the server's API.

    server ─ tests ─▶ plan ─ series ─▶ schedule ─ due ─▶ runner: ping · tcp · trace · http · dns · throughput
       ▲                                                    │
       └───────────── outbox (memory, then disk) ◀──────────┘

It is a process of its own that runs anywhere, so nothing here may import the store, the collector or numba. Needs no
privilege where the system lets anyone ping. Must never send more than a test asks for, lose a result without counting
it, or show a token or key.
"""
