import numpy as np
import pytest

from weft.decode.snmp.expression import parse


def value(text, **columns):
    return parse(text).evaluate({name: np.array(given, float) for name, given in columns.items()}).tolist()


def test_arithmetic_on_columns():
    assert value("total - free * 2", total=[10, 20], free=[1, 2]) == [8, 16]
    assert value("value * 10 ** (3 * (scale - 9)) / 10 ** precision", value=[455], scale=[8], precision=[1]) == [0.0455]
    assert value("10 * log10(mw)", mw=[1, 100]) == [0, 20]
    assert value("max(a, 3) + min(a, 3) - abs(-a)", a=[1, 5]) == [3, 3]


def test_what_is_no_number_is_no_value():
    found = value("10 * log10(a / b)", a=[0, 1, -1, np.nan], b=[1, 0, 1, 1])
    assert np.isnan(found).all()


@pytest.mark.parametrize(
    "text",
    ["__import__('os')", "a.b", "a[0]", "lambda: 1", "a if b else c", "'x'", "f(1)", "a = 1", "1 +", "", "a and b",
     "log10(x=1)", "[1]", "a" * 300, "a @ b"],
)  # fmt: skip
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        parse(text)


def test_names_are_known():
    assert parse("size * units - 1").names == {"size", "units"}
