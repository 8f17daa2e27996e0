"""The state store: migrations from empty, typed rows, threads, refusal of what it cannot read."""

import stat
import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from pydantic import SecretStr
from sqlalchemy import create_engine, text

from weft.errors import ConfigError, Failed, InvalidInput, StoreUnavailable
from weft.store.config import StoreConfig
from weft.store.state import StateStore, open_state
from weft.store.state.models import Base


@pytest.fixture
def state(tmp_path):
    store = open_state(StoreConfig(data_dir=tmp_path))
    store.start()
    yield store
    store.stop()


def test_migrations_make_exactly_the_declared_tables(tmp_path, state):
    engine = create_engine(f"sqlite:///{tmp_path / 'state.db'}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "render_as_batch": True})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_only_the_owner_can_read_the_file(tmp_path, state):
    assert stat.S_IMODE((tmp_path / "state.db").stat().st_mode) == 0o600


def test_users_their_sessions_tokens_and_views(state):
    anna = state.add_user("anna", "hash", "admin")
    assert state.user("anna").id == anna.id == state.user_by_id(anna.id).id
    with pytest.raises(InvalidInput, match="taken"):
        state.add_user("anna", "x", "viewer")
    assert state.change_user(anna.id, role="viewer").role == "viewer"
    assert state.user("anna").password_hash == "hash"
    assert state.change_user(999, role="viewer") is None

    state.add_session("d1", anna.id, 100.0, 200.0)
    state.touch_session("d1", 150.0)
    assert state.session("d1").used == 150.0
    state.add_session("d2", anna.id, 300.0, 400.0)
    assert state.session("d1") is None, "a login that is over is forgotten"
    state.add_session("d3", anna.id, 300.0, 400.0)
    state.delete_sessions_of(anna.id, keep="d2")
    assert state.session("d3") is None
    assert state.session("d2") is not None

    token = state.add_token(anna.id, "ci", "t1", "viewer", None)
    state.touch_token(token.id, 5.0)
    assert state.token_by_digest("t1").used == 5.0
    assert [t.id for t in state.tokens(anna.id)] == [token.id] == [t.id for t in state.tokens()]

    ben = state.add_user("ben", "h", "viewer")
    own = state.add_view(ben.id, "mine", {"q": 1}, shared=False)
    shared = state.add_view(anna.id, "all", {"q": 2}, shared=True)
    state.add_view(anna.id, "hers", {}, shared=False)
    assert [v.name for v in state.views(ben.id)] == ["all", "mine"]
    assert state.change_view(own.id, "new", {"q": 3}, shared=False).state == {"q": 3}
    assert state.view(own.id).name == "new"
    assert state.delete_view(own.id)
    assert not state.delete_view(own.id)

    assert state.delete_user(anna.id)
    assert not state.delete_user(anna.id)
    assert state.session("d2") is None
    assert state.token_by_digest("t1") is None
    assert state.view(shared.id) is None


def test_audit_log_is_newest_first_and_never_fails(state):
    state.audit("anna", "login", "10.0.0.1")
    state.audit("x" * 1000, "a" * 1000, "t" * 1000, {"why": "long"})
    log = state.audit_log(10)
    assert [len(log[0].actor), log[1].actor, log[0].detail] == [200, "anna", {"why": "long"}]
    assert len(state.audit_log(1)) == 1


def test_settings_and_decoder_state_survive_a_restart(tmp_path, state):
    state.set_setting("theme", {"dark": True})
    state.set_setting("theme", {"dark": False})
    state.save_decoder_state([{"id": 1}, {"id": 2}])
    state.save_decoder_state([{"id": 3}])
    state.save_decoder_state([{"id": 4}], collector="other")
    state.stop()
    state.stop()
    again = open_state(StoreConfig(data_dir=tmp_path))
    again.start()
    assert again.setting("theme") == {"dark": False}
    assert again.setting("none", 7) == 7
    assert again.load_decoder_state() == [{"id": 3}]
    again.stop()


def test_many_threads_write_at_once(state):
    def work(n):
        for i in range(20):
            state.audit("t", "n", f"{n}-{i}")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({r.target for r in state.audit_log(1000)}) == 160


def test_a_newer_database_is_refused(tmp_path, state):
    state.stop()
    engine = create_engine(f"sqlite:///{tmp_path / 'state.db'}")
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(Failed, match="newer Weft"):
        state.start()


def test_what_cannot_be_opened_says_so(tmp_path):
    with pytest.raises(StoreUnavailable, match="not open"):
        StateStore("sqlite:///x").users()
    with pytest.raises(ConfigError, match=r"store\.state_url"):
        open_state(StoreConfig(state_url=SecretStr("nosuch://x"))).start()
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable):
        open_state(StoreConfig(data_dir=tmp_path / "file")).start()
