"""Detection on synthetic tests: what is slow, lossy or failing, where on the way, and certificates that run out.

Comes in: rows of ``probes`` and ``hops``. Goes out: findings about what is tested, who tests, or the way between. One
bad round is no finding: it takes more rounds, and more agents where there are any.
"""
