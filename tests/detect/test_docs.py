"""The detector that the documentation shows works as it stands there."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from weft.detect.config import DetectConfig
from weft.detect.context import Context, DetectorConfig
from weft.detect.detector import RowsDetector
from weft.detect.report import DetectMetrics, EngineStatus
from weft.model.addresses import packed
from weft.model.metrics import METRICS
from weft.model.rows import batch_of

PAGE = (Path(__file__).parents[2] / "docs" / "detect.md").read_text(encoding="utf-8")


class Names:
    def device(self, address: bytes) -> str:
        return "edge1"


def test_the_detector_of_ones_own() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    space: dict[str, Any] = {}
    exec(code, space)  # it is ours
    detector = space["Hot"](Context(Names(), DetectorConfig(settings={"above": 80})))  # type: ignore[arg-type]
    assert isinstance(detector, RowsDetector)
    at = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1e9)
    rows = batch_of(METRICS, 2, time=at, exporter=[packed("192.0.2.1")] * 2, metric="temperature_c",
                    value=[75.0, 90.0])  # fmt: skip
    (finding,) = detector.take("metrics", rows)
    assert (finding.entity.text, finding.seen, finding.upper) == ("device:edge1", 90.0, 80.0)
    assert detector.tick(0) == []


def test_settings_and_counters_are_those_there_are() -> None:
    for name in ("late_minutes", "reopen_minutes", "most_open", "keep_days", "learn_share", "save_minutes", "queue_mb"):
        assert name in PAGE
        assert name in DetectConfig.model_fields
    told = {family.name for family in DetectMetrics(lambda: EngineStatus(running=True)).collect()}
    shown = {name.removesuffix("_total") for name in re.findall(r"`(weft_detect_\w+)`", PAGE)}
    assert shown <= told
