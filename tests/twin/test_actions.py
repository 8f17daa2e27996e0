"""What operators do: it takes its time, sometimes fails, ends the fault that it is right for, and is taken back."""

from __future__ import annotations

import pytest

from weft.errors import InvalidInput
from weft.twin.actions import KINDS, TwinExecutor, checked
from weft.twin.faults.model import Fault, RightAction
from weft.twin.remedies import MOST_ACTIONS, Action, Remedies
from weft.twin.timeline import Timeline

NOW = 1_790_000_000.0
PORT = {"device": "chi-border1", "interface": "et-0/0/0"}


def timeline(seed=7):
    return Timeline(seed, None)


def executor(on, right=None):
    return TwinExecutor(on, lambda _: right or RightAction("none"))


def worked(acting, kind, parameters, at_s):
    """Ask until it works: a few percent of all actions fail."""
    for _ in range(20):
        done = acting.execute(kind, parameters, at_s)
        if done.ok:
            return done
        at_s += 1.0
    raise AssertionError(f"{kind} never works")


def test_an_action_takes_effect_after_a_while_and_stays_until_it_is_undone():
    on = timeline()
    shut = worked(executor(on), "shut", PORT, NOW)
    least, most = KINDS["shut"].takes_s
    assert least <= shut.start_s - shut.asked_s <= most
    assert not on.remedies.active(shut.start_s - 0.1)
    assert [one.id for one in on.remedies.active(shut.start_s + 1e6)] == [shut.id]
    back = worked(executor(on), "no_shut", {**PORT, "interface": "1"}, shut.start_s + 60)  # by its ifIndex
    assert back.undone == (shut.id,)
    assert [one.id for one in on.remedies.active(back.start_s - 0.1)] == [shut.id]
    assert not on.remedies.active(back.start_s + 0.1)


def test_another_port_is_not_brought_up():
    on = timeline()
    shut = worked(executor(on), "shut", PORT, NOW)
    worked(executor(on), "no_shut", {**PORT, "interface": "et-0/0/1"}, NOW + 60)
    assert [one.id for one in on.remedies.active(NOW + 600)] == [shut.id]


def test_the_right_action_ends_its_fault_once_it_takes_effect():
    on = timeline()
    fault = on.trigger(Fault("", "misconfig_metric", NOW, NOW + 3600, "chi-border1", 1))
    acting = executor(on, RightAction("rollback_config", {"device": "chi-border1"}))
    wrong = worked(acting, "rollback_config", {"device": "nyc-border1"}, NOW + 60)
    assert not wrong.ended
    right = worked(acting, "rollback_config", {"device": "chi-border1"}, NOW + 120)
    assert right.ended == (fault.id,)
    assert [one.id for one in on.active(right.start_s - 0.1)] == [fault.id]
    assert not on.active(right.start_s + 0.1)


def test_some_actions_fail_and_change_nothing():
    on = timeline()
    acting = executor(on, RightAction("restart_exporter", {"device": "chi-border1"}))
    on.trigger(Fault("", "exporter_silent", NOW, NOW + 3600, "chi-border1"))
    done = [acting.execute("restart_exporter", {"device": "nyc-border1"}, NOW + at) for at in range(400)]
    failed = [one for one in done if not one.ok]
    assert 0.02 < len(failed) / len(done) < 0.1
    assert all(one.end_s == one.start_s > one.asked_s and not one.holds(one.start_s) for one in failed)
    assert len({one.text for one in failed}) > 1


def test_the_same_actions_end_the_same_way():
    def all_of(seed):
        acting = executor(timeline(seed))
        return [acting.execute("drain", {"device": "chi-border1"}, NOW + at) for at in range(50)]

    assert all_of(7) == all_of(7)
    assert all_of(7) != all_of(8)


@pytest.mark.parametrize(
    ("kind", "parameters", "says"),
    [
        ("explode", {}, "no action"),
        ("shut", {}, "needs device, interface"),
        ("shut", {"device": "chi-border1", "interface": ""}, "needs interface"),
        ("drain", {"device": "nowhere"}, "no device"),
        ("shut", {"device": "chi-border1", "interface": "xe-9/9/9"}, "no interface"),
        ("rtbh", {"prefix": "x" * 201}, "longer"),
        ("rtbh", {f"p{number}": "1" for number in range(13)}, "more parameters"),
    ],
)
def test_what_makes_no_sense_is_refused(kind, parameters, says):
    with pytest.raises(InvalidInput, match=says):
        executor(timeline()).execute(kind, parameters, NOW)


def test_every_kind_undoes_kinds_that_there_are_and_is_about_parameters_that_it_has():
    for kind in KINDS.values():
        assert set(kind.undoes) <= set(KINDS)
        assert set(kind.subject) <= {one.name for one in kind.parameters}
        assert 0 < kind.takes_s[0] < kind.takes_s[1]
        assert checked(kind.name, {one.name: PORT.get(one.name, "1") for one in kind.parameters}) is kind


def test_a_reset_undoes_everything_even_what_has_not_begun():
    on = timeline()
    acting = executor(on)
    worked(acting, "shut", PORT, NOW - 600)
    worked(acting, "drain", {"device": "nyc-border1"}, NOW - 1)
    version = on.version
    on.reset(NOW)
    assert on.version > version
    assert not on.remedies.active(NOW + 1)
    assert not on.remedies.active(NOW + 600)


def test_actions_remembered_are_bounded_and_those_in_force_are_kept():
    kept = Remedies()
    first = kept.add(Action("", "shut", PORT, NOW, NOW))
    for at in range(MOST_ACTIONS + 50):
        kept.add(Action("", "release", {}, NOW + at, NOW + at, NOW + at))
    found = kept.between(NOW - 1, NOW + 1e6)
    assert len(found) <= MOST_ACTIONS + 1
    assert first.id in {one.id for one in found}
