"""Numbers as people read them."""

import math

import pytest

from weft.model.amounts import amount, digits


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "bit/s", "0 bit/s"), (12.345, "bit/s", "12.3 bit/s"), (999, "bit/s", "999 bit/s"),
        (999.4, "bit/s", "999 bit/s"), (999.6, "bit/s", "1 kbit/s"), (999_499, "bit/s", "999 kbit/s"),
        (999_950, "bit/s", "1 Mbit/s"), (9.2e9, "bit/s", "9.2 Gbit/s"), (-9.2e9, "bit/s", "-9.2 Gbit/s"),
        (1.5e12, "B", "1.5 TB"), (1e21, "B", "1000 EB"), (3.1e6, "packet/s", "3.1 Mpacket/s"), (12_345, "", "12.3 k"),
        (12_345, "ms", "12345 ms"), (97.31, "%", "97.3 %"), (0.00042, "%", "0.00042 %"), (-12.34, "dBm", "-12.3 dBm"),
        (1310, "orders", "1310 orders"), (None, "B", "–"), (math.nan, "B", "–"), (math.inf, "B", "–"),
    ],
)  # fmt: skip
def test_amounts(value: float | None, unit: str, text: str) -> None:
    assert amount(value, unit) == text


def test_digits() -> None:
    assert [digits(value) for value in (0, 1, 0.5, 1310, 1e-12)] == ["0", "1", "0.5", "1310", "0"]
