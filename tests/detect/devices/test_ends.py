"""Lines whose two ends do not agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tests.detect.telling import START_S, context, counter, gauge, opened, play

from weft.detect.detector import Finding
from weft.detect.devices.ends import LineEndsDetector
from weft.detect.lines import Line, LineEnd
from weft.model.events import Severity
from weft.model.metrics import METRICS


def _line(
    number: int = 0, *, mtu: tuple[int, int] = (9192, 9192), **other: tuple[str, str] | tuple[float, float]
) -> Line:
    ends = [
        LineEnd(name, f"e{number}", size, **{key: value[at] for key, value in other.items()})  # type: ignore[arg-type]
        for at, (name, size) in enumerate(zip("ab", mtu, strict=True))
    ]
    return Line(ends[0], ends[1])


def _found(*lines: Line, told: Sequence[dict[str, object]] = (), until_s: float = 400.0) -> list[Finding]:
    detector = LineEndsDetector(replace(context(), facts={"lines": lambda: lines}))
    return play(detector, METRICS, list(told), until_s=until_s)


def test_another_mtu_is_told_with_both_values_and_the_harm_that_it_does() -> None:
    (quiet,) = opened(_found(_line(mtu=(1500, 9192))))
    assert (quiet.kind, quiet.entity.text, quiet.others[0].text) == ("mtu_mismatch", "interface:a|e0", "interface:b|e0")
    assert (quiet.seen, quiet.expected, quiet.severity) == (1500.0, 9192.0, Severity.MINOR)
    assert all(words in quiet.text for words in ("1500 B", "9192 B", "No counter"))
    assert quiet.at_s >= START_S + 120
    told = counter("a", "in_oversize_frames", [3.0] * 8, component="e0")
    (harm,) = opened(_found(_line(mtu=(1500, 9192)), told=told))
    assert harm.severity is Severity.MAJOR
    assert "3 packets a second received that are too long" in harm.text


def test_half_against_full_and_slow_against_fast() -> None:
    (duplex,) = opened(_found(_line(duplex=("full", "half"))))
    assert (duplex.kind, duplex.entity.text, duplex.severity) == ("duplex_mismatch", "interface:b|e0", Severity.MAJOR)


def test_a_speed_that_fell_is_told_and_one_that_always_was_so_is_not() -> None:
    agree, differ = (_line(speed_bps=(1e10, 1e10)),), (_line(speed_bps=(1e9, 1e10)),)
    down = gauge("b", "oper_status", [2.0] * 12, component="e0")

    def found(*lines: tuple[Line, ...], told: Sequence[dict[str, object]] = ()) -> list[Finding]:
        left = list(lines)  # one look after another
        facts = {"lines": lambda: left.pop(0) if len(left) > 1 else left[0]}
        return opened(play(LineEndsDetector(replace(context(), facts=facts)), METRICS, list(told), until_s=600.0))

    (speed,) = found(agree, differ)
    assert (speed.kind, speed.entity.text) == ("speed_mismatch", "interface:a|e0")
    assert found(differ) == []
    assert found(agree, differ, told=down) == []


def test_it_is_over_when_they_agree_again() -> None:
    lines = [(_line(mtu=(1500, 9192)),), (_line(),)]
    detector = LineEndsDetector(replace(context(), facts={"lines": lambda: lines[0]}))
    found = []
    for second in range(0, 600, 10):
        if second == 300:
            del lines[0]
        found += detector.tick(START_S + second)
    assert [one.ends for one in found] == [False, True]


def test_what_is_no_mistake_is_left_alone() -> None:
    off = Line(LineEnd("a", "e0", 1500, enabled=False), LineEnd("b", "e0", 9192))
    rented = Line(LineEnd("a", "e0", 0, 1e9), LineEnd("b", "e0", 0, 1e10), rented=True)
    assert _found(_line(), off, rented, _line(mtu=(0, 9192)), _line(mtu=(1500, 1514)), _line(duplex=("", "half"))) == []
    assert _found(*(_line(number, mtu=(9100, 9216)) for number in range(30))) == []
    assert _found(_line(mtu=(1500, 9192)), until_s=60.0) == []
    assert play(LineEndsDetector(context()), METRICS, [], until_s=400.0) == []
