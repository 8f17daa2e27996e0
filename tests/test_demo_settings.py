"""The demo knows its own organisation: what its operators would have set is set."""

from __future__ import annotations

from weft.config import Settings
from weft.demo import Demo
from weft.twin.faults.attack_places import scanner_addresses


def test_the_demo_is_told_of_its_own_scanners(tmp_path) -> None:  # type: ignore[no-untyped-def]
    mine = {"port_scan": {"settings": {"approved": ["192.0.2.7"], "half_life_h": 6}}, "ddos": {"enabled": False}}
    settings = Settings.model_validate({"data_dir": str(tmp_path), "detect": {"detectors": mine}})
    detectors = Demo(settings).settings.detect.detectors
    assert detectors["port_scan"].settings["approved"] == [*scanner_addresses(), "192.0.2.7"]
    assert detectors["port_scan"].settings["half_life_h"] == 6
    assert not detectors["ddos"].enabled
    assert len(scanner_addresses()) >= 1
