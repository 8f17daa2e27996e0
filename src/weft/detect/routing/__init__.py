"""Detection on BGP: hijacks, RPKI-invalid origins, leaks, sessions, numbers of routes, flapping prefixes.

Comes in: rows of ``routes``. Goes out: findings. Facts, not statistics, wherever there are some: who may originate a
prefix, who sells transit to whom. Must not hold more routes than it says.
"""
