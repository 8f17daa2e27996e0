import pytest
from prometheus_client import CollectorRegistry
from starlette.testclient import TestClient
from tests.api.fakes import FakeCollector, FakeEnricher, FakeQuestions

from weft.api.application import create_app
from weft.api.auth import secrets
from weft.api.config import ApiConfig
from weft.api.ports import ApiDependencies
from weft.store.state import StateStore

PASSWORD = "correct horse battery"


@pytest.fixture(scope="session")
def password_hash():
    return secrets.hash_password(PASSWORD)


@pytest.fixture
def state(password_hash, tmp_path):
    state = StateStore(f"sqlite:///{tmp_path / 'state.db'}")
    state.start()
    for role in ("admin", "operator", "viewer"):
        state.add_user(role, password_hash, role)
    yield state
    state.stop()


@pytest.fixture
def deps(state, tmp_path):
    return ApiDependencies(
        ApiConfig(), tmp_path, state=state, questions=FakeQuestions(), collector=FakeCollector(),
        enricher=FakeEnricher(), registry=CollectorRegistry(), demo=True,
    )  # fmt: skip


@pytest.fixture
def app(deps):
    return create_app(deps)


@pytest.fixture
def client(app):
    with TestClient(app, base_url="http://localhost", client=("127.0.0.1", 50000)) as client:
        yield client


@pytest.fixture
def as_role(app, state):
    """A client that sends an API token of a person with the role."""

    def make(role):
        secret = secrets.new_token()
        state.add_token(state.user(role).id, "test", secrets.digest(secret), role, None)
        client = TestClient(app, base_url="http://localhost", client=("127.0.0.1", 50000))
        client.headers["authorization"] = f"Bearer {secret}"
        return client

    return make


@pytest.fixture
def login(client):
    """Log the client in with a session; answers the CSRF value."""

    def log_in(role="viewer"):
        answer = client.post("/api/v1/auth/login", json={"username": role, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return answer.json()["csrf"]

    return log_in
