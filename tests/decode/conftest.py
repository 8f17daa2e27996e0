"""Makes the builders beside this file importable from every test of the decoders."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("WEFT_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.fixture
def test_data() -> Path:
    """Folder of public captures; skips where there is none."""
    if not DATA.is_dir():
        pytest.skip(f"no public test data at {DATA} (set WEFT_TEST_DATA)")
    return DATA
