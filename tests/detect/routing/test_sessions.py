"""Sessions that end."""

from __future__ import annotations

import pytest
from tests.detect.routing.helpers import DOWN, T0, UP, context, play, row

from weft.detect.routing.sessions import SessionDetector
from weft.errors import InvalidInput
from weft.model.events import Severity

HOLD = "router sent NOTIFICATION hold timer expired"
OTHER = {"peer": "192.0.2.2", "asn": 64511}


def _up() -> list[dict[str, object]]:
    return [row(0, UP, reason="already up"), row(0, UP, reason="already up", **OTHER),
            row(0, UP, reason="already up", rib=3, peer="", asn=64500)]  # fmt: skip


def test_one_session_down_and_up() -> None:
    rows = [*_up(), row(100, DOWN, reason=HOLD), row(100, DOWN, reason=HOLD, rib=2), row(400, UP)]
    found = play(SessionDetector(context()), rows)
    assert [(one.kind, one.ends) for one in found] == [("session_down", False), ("session_down", True)]
    assert found[0].entity.text == "peer:chi-border1|192.0.2.1"
    assert found[0].at_s == T0 + 100
    assert found[0].severity is Severity.MAJOR
    assert "AS 64496" in found[0].text
    assert "hold timer" in found[0].text
    assert found[1].at_s == T0 + 400


def test_on_purpose_is_minor() -> None:
    rows = [*_up(), row(100, DOWN, reason="peer sent NOTIFICATION cease: administrative shutdown")]
    (found,) = play(SessionDetector(context()), rows)
    assert found.severity is Severity.MINOR


def test_all_sessions_of_a_router_are_one_event() -> None:
    rows = [*_up(), row(100, DOWN, reason=HOLD), row(101, DOWN, reason=HOLD, **OTHER), row(300, UP),
            row(301, UP, **OTHER)]  # fmt: skip
    found = play(SessionDetector(context()), rows)
    assert [(one.kind, one.ends) for one in found] == [("sessions_down", False), ("sessions_down", True)]
    assert found[0].entity.text == "device:chi-border1"
    assert len(found[0].others) == 2


def test_a_session_that_does_not_stay_up() -> None:
    rows = _up()
    for at in (100, 300, 500, 700):
        rows += [row(at, DOWN, reason=HOLD), row(at + 60, UP)]
    found = play(SessionDetector(context()), rows)
    kinds = [one.kind for one in found if not one.ends]
    assert kinds == ["session_down", "session_down", "session_flap", "session_flap"]
    assert found[-1].started_s == T0 + 100


@pytest.mark.parametrize(
    ("reason", "source"),
    [("Weft stopped", 1), ("the connection was lost: reset", 1), ("the router ended the stream: restart", 1),
     (HOLD, 3), ("the session came up again", 1)],
)  # fmt: skip
def test_what_only_weft_lost_sight_of(reason: str, source: int) -> None:
    assert not play(SessionDetector(context()), [*_up(), row(100, DOWN, reason=reason, source=source)])


def test_a_stream_that_ends_takes_the_routers_own_table_along() -> None:
    rows = [*_up(), row(100, DOWN, reason="anything"), row(100, DOWN, reason="anything", rib=3, peer="", asn=64500)]
    assert not play(SessionDetector(context()), rows)


def test_state_is_kept() -> None:
    first = SessionDetector(context())
    play(first, [*_up(), row(100, DOWN, reason=HOLD)])
    again = SessionDetector(context())
    again.load(first.save())
    found = play(again, [row(200, UP)], 210)
    assert [(one.kind, one.ends) for one in found] == [("session_down", True)]
    with pytest.raises(InvalidInput):
        again.load(b"[]")
