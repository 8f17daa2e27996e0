"""Judges policies as time goes on, each at its own step, from what is stored; nothing to lose at a restart."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from weft.detect.detector import About, Finding
from weft.detect.leader import Alone, Leading
from weft.detect.memory import POLICY
from weft.detect.policies.book import PolicyBook
from weft.detect.policies.evaluate import MOST_SERIES, FrameOf, findings, judge
from weft.detect.policies.policy import Policy
from weft.errors import WeftError
from weft.model.events import EventGroup

log = structlog.get_logger(__name__)

#: Values of a bucket are judged this long after its end: what comes later is not waited for.
_LATENESS_S = 30
_LOOK_S = 2.0
_REREAD_S = 10.0
ABOUT = About(
    "policies", "Policies", EventGroup.POLICY, "Rules that people wrote, judged on anything that can be asked.",
    {"policy": "A policy holds."},
)  # fmt: skip


@dataclass(slots=True)
class _Running:
    policy: Policy
    about: About
    judged_s: int = 0
    error: str = ""
    is_cut: bool = False


class PolicyBoard:
    """A component. ``raise_`` takes findings with what they are of, and up to when was judged.

    Of several processes that share a state store one judges, the one that is ``leading``; none: this one.
    """

    def __init__(
        self, book: PolicyBook, frame_of: FrameOf, raise_: Callable[[About, Sequence[Finding], float], None], *,
        leading: Leading | None = None, clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self._book, self._frame_of, self._raise, self._clock = book, frame_of, raise_, clock
        self._leading: Leading = leading or Alone()
        self._running: dict[str, _Running] = {}
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to judge."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._work, name="weft-detect-policies", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def errors(self) -> dict[str, str]:
        """Why policies could not be judged last, or not whole, by name."""
        running = list(self._running.items())
        cut = {
            name: f"More than {MOST_SERIES} series: the smallest are not judged." for name, one in running if one.is_cut
        }
        return cut | {name: one.error for name, one in running if one.error}

    def judge_due(self) -> None:
        """Judge every policy whose bucket is complete."""
        now_s = self._clock()
        for one in list(self._running.values()):
            step = one.policy.step_s
            until_s = int(now_s - _LATENESS_S) // step * step
            if until_s > one.judged_s and not self._stopping.is_set():
                self._judge(one, until_s)

    def reread(self) -> None:
        """What the policies are now."""
        try:
            wanted = {one.policy.name: one.policy for one in self._book.all() if one.policy.enabled}
        except WeftError as error:
            log.warning("policies_not_known", error=error.message)
            return
        for name in self._running.keys() - wanted.keys():
            gone = self._running.pop(name)
            self._raise(gone.about, [], self._clock() + gone.policy.clear_s + gone.policy.step_s)  # ends what is open
        for name, policy in wanted.items():
            held = self._running.get(name)
            if held is None or held.policy != policy:
                self._running[name] = _Running(policy, about_of(policy), 0 if held is None else held.judged_s)

    def _judge(self, one: _Running, until_s: int) -> None:
        policy, step = one.policy, one.policy.step_s
        # What was missed is made good as far as holding and clearing look back; a spell that began before is the
        # tracker's, which knows since when.
        since_s = until_s - max(policy.for_s, policy.clear_s) - 5 * step
        try:
            judged = judge(policy, since_s, until_s, self._frame_of)
            found = findings(judged)
        except WeftError as error:
            one.error = error.message
            log.warning("policy_not_judged", policy=policy.name, error=error.message)
        except Exception as error:  # a defect must end neither the other policies nor the thread
            one.error = f"internal error: {type(error).__name__}"
            log.exception("policy_not_judged", policy=policy.name)
        else:
            one.error = ""
            if judged.is_cut and not one.is_cut:
                log.warning("policy_without_room", policy=policy.name, most_series=MOST_SERIES)
            one.is_cut = judged.is_cut
            self._raise(one.about, found, float(until_s))
        one.judged_s = until_s

    def _work(self) -> None:
        reread_at = 0.0
        while not self._stopping.is_set():
            if not self._leading.held:
                self._running.clear()
                reread_at = 0.0
                self._stopping.wait(_LOOK_S)
                continue
            if time.monotonic() >= reread_at:
                self.reread()
                reread_at = time.monotonic() + _REREAD_S
            self.judge_due()
            self._stopping.wait(_LOOK_S)


def about_of(policy: Policy) -> About:
    """What the events of a policy are said to be found by; each policy is a detector of its own."""
    return About(f"{POLICY}{policy.name}", policy.name, policy.group, policy.description, ABOUT.kinds)
