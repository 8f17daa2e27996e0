"""State: what is not telemetry — people, sessions, tokens, saved views, the audit log, what decoders must remember.

Comes in: typed calls. Goes out: typed rows. SQLite (WAL) in the data directory by default, PostgreSQL by URL; migrated
with Alembic at start. Must never hold secrets in the clear: callers pass digests and hashes.
"""

from weft.store.state.models import AuditRecord, SavedView, Session, Token, User
from weft.store.state.store import StateStore, open_state

__all__ = ["AuditRecord", "SavedView", "Session", "StateStore", "Token", "User", "open_state"]
