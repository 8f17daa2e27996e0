"""Updates of a real route collector: on an ordinary afternoon next to nothing is news."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from tests.collect.routing.test_mrt import DATA, Import
from tests.detect.routing.helpers import context

from weft.detect.detector import Finding, RowsDetector
from weft.detect.routing.others import OthersDetector
from weft.detect.routing.storms import StormDetector
from weft.model.routes import ROUTES

FOLDER = DATA / "bgpkit+bgpkit-parser/tests/fixtures/ripe/rrc15/2010.02"
FILES = ("updates.20100227.1600.gz", "updates.20100227.1610.gz")


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pa.RecordBatch:
    """A quarter of an hour of 16 neighbours of a collector in Sao Paulo, in order of time."""
    if not all((FOLDER / name).exists() for name in FILES):
        pytest.skip(f"{FOLDER} is not there: set WEFT_TEST_DATA")
    told = Import(Path(tmp_path_factory.mktemp("mrt")))
    for name in FILES:
        told.importer.read(FOLDER / name)
    whole = pa.Table.from_batches([batch for table, batch in told.intake.batches if table.name == ROUTES.name])
    (batch,) = whole.sort_by("time").combine_chunks().to_batches()
    return batch


def _play(detector: RowsDetector, rows: pa.RecordBatch) -> list[Finding]:
    times = rows.column("time").cast(pa.int64()).to_numpy(zero_copy_only=False) / 1e9
    found: list[Finding] = []
    at = 0
    for now in np.arange(times[0], times[-1] + 30, 10.0).tolist():
        last = int(np.searchsorted(times, now))
        if last > at:
            found += detector.take(ROUTES.name, rows.slice(at, last - at))
        at = last
        found += detector.tick(now)
    return found


def test_nothing_is_news_before_a_day_is_known(rows: pa.RecordBatch) -> None:
    assert rows.num_rows > 60_000
    assert not _play(OthersDetector(context()), rows)
    assert not _play(StormDetector(context()), rows)


def test_with_five_minutes_of_knowledge_little_is(rows: pa.RecordBatch) -> None:
    found = [one for one in _play(OthersDetector(context(stable_s=300)), rows) if not one.ends]
    kinds = Counter(one.kind for one in found)
    assert kinds["origin_change"] == 0
    assert len(found) <= 15  # of 9,000 changes: what nobody had told within those five minutes
