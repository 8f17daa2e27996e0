"""Stand-ins for what the API asks: people in memory, canned answers, a collector that says what it is told."""

import itertools
import time
from types import SimpleNamespace

from weft.collect.status import CollectStatus
from weft.model.views import ChartSpec, Provenance, ViewResult, Window
from weft.query.catalogue import build_catalogue


class MemoryState:
    def __init__(self):
        self._ids = itertools.count(1)
        self._users, self._sessions, self._tokens, self._views, self.log = {}, {}, {}, {}, []

    def users(self):
        return sorted(self._users.values(), key=lambda user: user.username)

    def user(self, username):
        return next((user for user in self._users.values() if user.username == username), None)

    def user_by_id(self, user_id):
        return self._users.get(user_id)

    def add_user(self, username, password_hash, role):
        user = SimpleNamespace(
            id=next(self._ids), username=username, password_hash=password_hash, role=role, created=time.time()
        )
        self._users[user.id] = user
        return user

    def change_user(self, user_id, *, role=None, password_hash=None):
        user = self._users.get(user_id)
        if user and role:
            user.role = role
        if user and password_hash:
            user.password_hash = password_hash
        return user

    def delete_user(self, user_id):
        for store in (self._sessions, self._tokens, self._views):
            for key in [key for key, value in store.items() if value.user_id == user_id]:
                del store[key]
        return self._users.pop(user_id, None) is not None

    def add_session(self, digest, user_id, created, expires):
        self._sessions[digest] = SimpleNamespace(
            digest=digest, user_id=user_id, created=created, used=created, expires=expires
        )

    def session(self, digest):
        return self._sessions.get(digest)

    def touch_session(self, digest, used):
        self._sessions[digest].used = used

    def delete_session(self, digest):
        self._sessions.pop(digest, None)

    def delete_sessions_of(self, user_id, keep=""):
        self._sessions = {d: s for d, s in self._sessions.items() if s.user_id != user_id or d == keep}

    def add_token(self, user_id, name, digest, role, expires):
        token = SimpleNamespace(
            id=next(self._ids), user_id=user_id, name=name, digest=digest, role=role, created=time.time(), used=None,
            expires=expires,
        )  # fmt: skip
        self._tokens[token.id] = token
        return token

    def tokens(self, user_id=None):
        return [token for token in self._tokens.values() if user_id in (None, token.user_id)]

    def token_by_digest(self, digest):
        return next((token for token in self._tokens.values() if token.digest == digest), None)

    def touch_token(self, token_id, used):
        self._tokens[token_id].used = used

    def delete_token(self, token_id):
        return self._tokens.pop(token_id, None) is not None

    def views(self, user_id):
        return [view for view in self._views.values() if view.shared or view.user_id == user_id]

    def view(self, view_id):
        return self._views.get(view_id)

    def add_view(self, user_id, name, state, shared):
        view = SimpleNamespace(
            id=next(self._ids), user_id=user_id, name=name, state=state, shared=shared, created=1.0, updated=1.0
        )
        self._views[view.id] = view
        return view

    def change_view(self, view_id, name, state, shared):
        self._views[view_id].__dict__.update(name=name, state=state, shared=shared)
        return self._views[view_id]

    def delete_view(self, view_id):
        return self._views.pop(view_id, None) is not None

    def audit(self, actor, action, target="", detail=None):
        self.log.append(
            SimpleNamespace(
                id=len(self.log) + 1, time=time.time(), actor=actor, action=action, target=target, detail=detail or {}
            )
        )

    def audit_log(self, limit):
        return self.log[::-1][:limit]


def answer(query, rows=()):
    return ViewResult(
        columns=[], rows=list(rows), window=Window(since=0, until=60), unit="bit/s", chart=ChartSpec(kind="table"),
        query=query.model_dump(exclude_defaults=True),
        provenance=Provenance(sql="SELECT 1", table="flows", resolution_s=0, rows_read=0, elapsed_ms=1.0),
    )  # fmt: skip


class FakeQuestions:
    def __init__(self):
        self.failure = None
        self.asked = []

    def run(self, query):
        if self.failure:
            raise self.failure
        self.asked.append(query)
        return answer(query)

    def catalogue(self):
        return build_catalogue()

    def check(self, text):
        return {"ok": "=" in text, "error": None if "=" in text else {"message": "expected an operator", "position": 3}}

    def complete(self, text, cursor):
        return {"from": 0, "to": cursor, "options": [{"label": "src_as", "insert": "src_as ", "kind": "dimension"}]}

    def export(self, query, format):  # noqa: A002
        yield b"a,b\n"
        yield b"1,2\n"


class FakeCollector:
    def __init__(self):
        self.now = CollectStatus()

    def status(self):
        return self.now


class FakeEnricher:
    reloads = 0

    def tables(self):
        return []

    def explain(self, address):
        return {"address": address, "columns": []}

    def reload(self):
        self.reloads += 1
        return True
