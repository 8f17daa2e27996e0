"""The documentation names every setting of the detectors of flows, with its default."""

from __future__ import annotations

from pathlib import Path

import pytest

from weft.detect.security.brute import BruteForceSettings
from weft.detect.security.ddos import DdosSettings
from weft.detect.security.scan import ScanSettings
from weft.detect.security.spoofing import SpoofingSettings

PAGE = (Path(__file__).parents[3] / "docs/detect-security.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("settings", [BruteForceSettings, DdosSettings, ScanSettings, SpoofingSettings])
def test_settings_are_documented(settings):
    for name, default in settings():
        assert f"`{name}`" in PAGE
        if isinstance(default, int | float):
            assert f"{default:g}" in PAGE
