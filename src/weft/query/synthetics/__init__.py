"""Questions about synthetic tests: datasets for the explorer, and what the pages of tests show.

Comes in: a test, an agent, a target, a time. Goes out: how it is now and was, and the paths that were seen. Must read
the ``probes`` and ``hops`` tables alone, so that it answers in every role and after every restart.
"""
