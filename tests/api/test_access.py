"""Who gets in: every route but health, login and assets refuses the anonymous; roles; CSRF; origins; guessing."""

import pytest
from fastapi.routing import APIRoute
from tests.api.conftest import PASSWORD

from weft.api.application import create_app

#: Agents register with a token in the body, which their own tests try.
OPEN = {
    ("GET", "/api/v1/health"), ("POST", "/api/v1/auth/login"), ("GET", "/metrics"),
    ("POST", "/api/v1/agents/register"),
}  # fmt: skip
ADMIN_ONLY = ("/api/v1/users", "/api/v1/audit")
BODIES = {
    "/api/v1/query": {}, "/api/v1/query/export": {}, "/api/v1/filter/check": {"filter": ""},
    "/api/v1/filter/complete": {"filter": "", "cursor": 0}, "/api/v1/views": {"name": "x", "state": {}},
    "/api/v1/tokens": {"name": "x"}, "/api/v1/users": {"username": "someone"},
}  # fmt: skip


def operations(app):
    """Every operation, from the document that describes them: a route that is not described is tested by name."""
    found = []
    for path, methods in app.openapi()["paths"].items():
        found += [(method.upper(), path.replace("{user_id}", "1").replace("{view_id}", "1").replace("{token_id}", "1"))
                  for method in methods]  # fmt: skip
    return [*found, ("GET", "/api/v1/openapi.json"), ("GET", "/metrics")]


def test_every_route_refuses_the_anonymous(client, app):
    tried = 0
    for method, path in operations(app):
        if (method, path) in OPEN:
            continue
        answer = client.request(method, path, json=BODIES.get(path, {}))
        assert answer.status_code == 401, f"{method} {path} answered {answer.status_code}"
        assert answer.json()["error"]["code"] == "not_logged_in"
        tried += 1
    assert tried > 20


def test_documented_operations_are_all_there_are(app):
    def walk(routes):
        for route in routes:
            if isinstance(route, APIRoute):
                yield route
            yield from walk(
                getattr(route, "routes", None) or getattr(getattr(route, "original_router", None), "routes", [])
            )

    hidden = {route.path for route in walk(app.routes) if not route.include_in_schema}
    assert {path.removeprefix("/api/v1") for path in hidden} <= {"/openapi.json", "/metrics"}


@pytest.mark.parametrize("header", ["Bearer weft_nonsense", "Bearer", "Bearer x", "Basic YTpi", "weft_x"])
def test_made_up_credentials_are_refused(client, header):
    assert client.get("/api/v1/exporters", headers={"authorization": header}).status_code == 401


def test_made_up_cookie_is_refused(client):
    client.cookies.set("weft_session", "made-up")
    assert client.get("/api/v1/exporters").status_code == 401


def test_people_are_for_admins(as_role):
    for role, expected in (("viewer", 403), ("operator", 403), ("admin", 200)):
        for path in ADMIN_ONLY:
            assert as_role(role).get(path).status_code == expected, (role, path)


def test_reloading_tables_is_for_operators(as_role, deps):
    assert as_role("viewer").post("/api/v1/enrich/reload").status_code == 403
    assert as_role("operator").post("/api/v1/enrich/reload").status_code == 200
    assert deps.enricher.reloads == 1


def test_login_and_logout(client, login, state):
    csrf = login("viewer")
    me = client.get("/api/v1/auth/me").json()
    assert (me["username"], me["role"], me["via"], me["csrf"]) == ("viewer", "viewer", "session", csrf)
    assert client.post("/api/v1/auth/logout", headers={"x-weft-csrf": csrf}).status_code == 200
    assert client.get("/api/v1/auth/me").status_code == 401
    assert [entry.action for entry in state.audit_log(9)] == ["logout", "login"]


def test_cookie_flags(client):
    answer = client.post("/api/v1/auth/login", json={"username": "viewer", "password": PASSWORD})
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith("weft_session=")
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "secure" not in cookie
    assert "domain" not in cookie


def test_cookie_is_secure_over_https(app):
    from starlette.testclient import TestClient

    with TestClient(app, base_url="https://localhost") as client:
        answer = client.post("/api/v1/auth/login", json={"username": "viewer", "password": PASSWORD})
    assert "secure" in answer.headers["set-cookie"].lower()
    assert answer.headers["strict-transport-security"].startswith("max-age=")


def test_changes_with_a_cookie_need_the_csrf_value(client, login):
    csrf = login("viewer")
    body = {"name": "mine", "state": {}}
    assert client.post("/api/v1/views", json=body).status_code == 403
    assert client.post("/api/v1/views", json=body, headers={"x-weft-csrf": "wrong"}).status_code == 403
    assert client.post("/api/v1/views", json=body, headers={"x-weft-csrf": csrf}).status_code == 201


def test_a_foreign_origin_is_refused_even_with_the_csrf_value(client, login):
    csrf = login("viewer")
    headers = {"x-weft-csrf": csrf, "origin": "http://evil.example"}
    assert client.post("/api/v1/views", json={"name": "x", "state": {}}, headers=headers).status_code == 403
    headers["origin"] = "http://localhost"
    assert client.post("/api/v1/views", json={"name": "x", "state": {}}, headers=headers).status_code == 201


def test_login_from_a_foreign_page_is_refused(client):
    body = {"username": "viewer", "password": PASSWORD}
    assert client.post("/api/v1/auth/login", json=body, headers={"origin": "http://evil.example"}).status_code == 403


def test_csrf_of_one_session_does_not_work_for_another(client, login):
    first = login("viewer")
    second = login("viewer")
    assert first != second
    assert (
        client.post("/api/v1/views", json={"name": "x", "state": {}}, headers={"x-weft-csrf": first}).status_code == 403
    )


def test_tokens_need_no_csrf(as_role):
    assert as_role("viewer").post("/api/v1/views", json={"name": "x", "state": {}}).status_code == 201


def test_wrong_password_and_unknown_name_answer_alike(client):
    answers = [
        client.post("/api/v1/auth/login", json={"username": name, "password": "wrong"}) for name in ("viewer", "nobody")
    ]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].json() == answers[1].json()


def test_guessing_is_slowed_down(client, deps):
    limit = deps.config.login_attempts
    for _ in range(limit):
        assert client.post("/api/v1/auth/login", json={"username": "viewer", "password": "x"}).status_code == 401
    answer = client.post("/api/v1/auth/login", json={"username": "viewer", "password": PASSWORD})
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 60
    assert answer.json()["error"]["code"] == "too_many_attempts"
    # The address is locked out too, whatever name it tries next.
    assert client.post("/api/v1/auth/login", json={"username": "admin", "password": PASSWORD}).status_code == 429


def test_session_ends_when_unused_and_in_any_case(app, state, client, login, monkeypatch):
    login("viewer")
    accounts = app.state.accounts
    import time

    now = time.time()
    monkeypatch.setattr(accounts, "_clock", lambda: now + 11 * 3600)
    assert client.get("/api/v1/auth/me").status_code == 200  # counts as use
    monkeypatch.setattr(accounts, "_clock", lambda: now + 22 * 3600)
    assert client.get("/api/v1/auth/me").status_code == 200
    monkeypatch.setattr(accounts, "_clock", lambda: now + 35 * 3600)
    assert client.get("/api/v1/auth/me").status_code == 401


def test_deployed_behind_other_limits(deps):
    import dataclasses

    app = create_app(dataclasses.replace(deps, config=deps.config.model_copy(update={"max_body_bytes": 1000})))
    from starlette.testclient import TestClient

    with TestClient(app, base_url="http://localhost") as client:
        answer = client.post("/api/v1/auth/login", json={"username": "x", "password": "p" * 2000})
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "too_large"
