"""The component as a whole: it starts at once, and names come before the rows that have them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.collect.cloud.logs import OnceIntake, many

from weft.collect.cloud.collector import CloudCollector
from weft.collect.cloud.config import CloudConfig
from weft.collect.cloud.inventory import CloudInventory
from weft.model.inventory import Claim, Fact, InventoryObject, ObjectKind


class SlowInventory:
    """Merges what it was told when somebody waits for it, not before."""

    def __init__(self) -> None:
        self.told: list[Fact] = []
        self.merged: dict[ObjectKind, list[InventoryObject]] = {}

    def observe(self, origin: str, scope: str, facts: Sequence[Fact], /, *, complete: bool = True) -> None:
        self.told += facts

    def objects(self, kind: ObjectKind, /) -> Sequence[InventoryObject]:
        return self.merged.get(kind, ())

    def flush(self, timeout_s: float) -> bool:
        for fact in self.told:
            claims = {name: Claim(value, "cloud") for name, value in fact.attributes.items()}
            one = InventoryObject(fact.kind, fact.key, claims, ("cloud",), 0, 0)
            self.merged.setdefault(fact.kind, []).append(one)
        return True


def test_logs_wait_for_names_and_nobody_waits_for_a_bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("logs", "facts"):
        (tmp_path / name).mkdir()
    (tmp_path / "logs" / "a.log").write_bytes(many(3))
    nic = {"NetworkInterfaceId": "eni-1", "Attachment": {"InstanceId": "i-web"}}
    (tmp_path / "facts" / "nics.json").write_text(json.dumps({"NetworkInterfaces": [nic]}))
    config = CloudConfig.model_validate({
        "logs": [{"name": "logs", "path": str(tmp_path / "logs"), "settle_seconds": 0}],
        "inventory": [{"name": "facts", "path": str(tmp_path / "facts")}],
    })  # fmt: skip
    answers, original = threading.Event(), CloudInventory.look

    def slow(self: CloudInventory) -> None:
        assert answers.wait(20)
        original(self)

    monkeypatch.setattr(CloudInventory, "look", slow)
    intake = OnceIntake()
    cloud = CloudCollector(config, intake, SlowInventory(), None, tmp_path)
    cloud.start()
    try:
        time.sleep(0.2)
        assert not intake.batches
        answers.set()
        deadline = time.monotonic() + 20
        while not intake.batches and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        answers.set()
        cloud.stop()
    assert [row["instance"] for row in intake.rows] == ["i-web"] * 3
    assert not intake.open
