"""One of several processes watches series and judges policies; another goes on when it ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from weft.detect.leader import Leader, owner_of
from weft.errors import StoreUnavailable
from weft.store.config import StoreConfig
from weft.store.state import StateStore, open_state
from weft.store.state.leases import Lease


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateStore]:
    state = open_state(StoreConfig(data_dir=tmp_path))
    state.start()
    yield state
    state.stop()


def test_who_ends_leaves_the_lead_to_another(state: StateStore) -> None:
    first, second = Leader(Lease(state, "detect", "a")), Leader(Lease(state, "detect", "b"))
    first.beat()
    second.beat()
    assert (first.held, second.held, second.holder) == (True, False, "a")
    first.start()
    first.stop()
    first.stop()
    second.beat()
    assert (first.held, second.held, second.holder) == (False, True, "b")


class Broken:
    held, holder, patience_s = False, "", 20.0

    def __init__(self, error: Exception) -> None:
        self.error = error

    def renew(self) -> bool:
        raise self.error

    def release(self) -> None:
        raise self.error


@pytest.mark.parametrize("error", [StoreUnavailable("is away"), RuntimeError("a defect")])
def test_a_store_that_is_away_ends_no_beat(error: Exception) -> None:
    leader = Leader(Broken(error))
    leader.beat()
    assert not leader.held


def test_a_process_is_called_the_same_in_its_next_container(tmp_path: Path) -> None:
    assert owner_of(tmp_path, "serve", lambda: "box/1") == "serve@box-1"
    assert owner_of(tmp_path, "serve", lambda: "another") == "serve@box-1"
    assert owner_of(tmp_path, "collect", lambda: "another") == "collect@another"
    (tmp_path / "detect" / "serve.name").write_bytes(b"\xff../..\n")
    assert owner_of(tmp_path, "serve", lambda: "b" * 300) == "serve@" + "b" * 94
