"""Acme's business series: the same whenever they are asked for, hurt by what breaks, and read through real doors."""

from __future__ import annotations

import time
from pathlib import Path

from tests.collect.business.kit import running, told
from tests.collect.intake.fakes import FakeIntake
from tests.waiting import until

from weft.collect.push import PushConfig, Pushes
from weft.twin import organisation as org
from weft.twin.business import _health, sign_ins, sold, tickets
from weft.twin.config import DemoConfig
from weft.twin.demo_business import DemoBusiness, business_settings
from weft.twin.faults.schedule import acme_timeline

DAY = 1_790_000_000 // 86_400 * 86_400
TIMELINE = acme_timeline(7)


def test_the_same_minute_is_always_the_same() -> None:
    assert list(sold(TIMELINE, DAY)) == list(sold(TIMELINE, DAY))
    assert len(list(sold(TIMELINE, DAY))) == 3 * len(org.SITES)
    assert list(tickets(TIMELINE, DAY, DAY + 86_400)) == list(tickets(TIMELINE, DAY, DAY + 86_400))
    halves = [*tickets(TIMELINE, DAY, DAY + 43_200), *tickets(TIMELINE, DAY + 43_200, DAY + 86_400)]
    assert sorted(halves) == sorted(tickets(TIMELINE, DAY, DAY + 86_400))  # none twice, none lost where spans meet


def test_what_breaks_costs_orders_and_sign_ins() -> None:
    broken = next(
        one for one in TIMELINE.faults(DAY, DAY + 86_400) if one.kind == "session_down" and one.end_s - one.start_s > 90
    )
    site, minute = broken.device.split("-")[0], int(broken.start_s) // 60 * 60 + 60
    assert _health(TIMELINE, minute)(site, "web") < 0.85
    failed = {(where, result): count for where, result, count in sign_ins(TIMELINE, minute)}
    assert failed[site, "failed"] > 0


def test_everything_comes_through_a_door(tmp_path: Path) -> None:
    intake = FakeIntake()
    pushes = Pushes(PushConfig(), intake, tmp_path)
    pushes.start()
    began = int(time.time()) // 60 * 60
    demo = DemoBusiness(DemoConfig(backfill_hours=1), TIMELINE, tmp_path / "b", pushes, newest_s=lambda: None)
    demo.start()
    try:
        with running(tmp_path / "d", intake, **business_settings(tmp_path / "b")):
            until(lambda: {"orders_per_minute", "revenue_per_minute", "sign_ins"} <= {s for s, *_ in told(intake)})
            orders = [row for row in told(intake) if row[0] == "orders_per_minute"]
            assert len({second for _, _, second, _ in orders if second < began}) == 60
            assert [book.status().errors for book in intake.books] == [{}] * 3
            demo.stop()
            pushes.stop()
    finally:
        demo.stop()
