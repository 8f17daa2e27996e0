"""Who is asking, and may they: passwords, sessions, API tokens, roles.

Comes in: a request. Goes out: an ``Identity`` or a refusal. Must never store or log a password, a session cookie or a
token in the clear: the state store holds an argon2 hash of the first and SHA-256 digests of the others (both are random
256-bit values, so a slow hash would add nothing).
"""
