"""What a target is asked for: presets and paths of the settings as subscriptions, and those as requests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from weft.collect.gnmi.config import Mode, SubscriptionConfig, TargetConfig
from weft.decode.gnmi.paths import parse_path
from weft.decode.gnmi.proto import pb

#: gnmi.proto's names of encodings by ours, the one we like best first.
ENCODINGS = {"proto": "PROTO", "json_ietf": "JSON_IETF", "json": "JSON", "ascii": "ASCII"}
_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """One path to subscribe to. Times in seconds; ``fallback_s``: how often to sample it where ``on_change`` fails."""

    path: str
    mode: Mode
    interval_s: float
    heartbeat_s: float = 0.0
    suppress_redundant: bool = False
    target: str = ""
    fallback_s: float = 0.0

    @property
    def sampled_s(self) -> float:
        """How often something must come; 0 = whenever."""
        return self.interval_s if self.mode == "sample" and not self.suppress_redundant else 0.0

    def sampled(self) -> Wanted:
        """The same, sampled."""
        return replace(self, mode="sample", interval_s=self.fallback_s or self.interval_s)


@cache
def presets() -> dict[str, list[dict[str, Any]]]:
    """The paths of every preset."""
    found: dict[str, list[dict[str, Any]]] = yaml.safe_load(
        (files("weft.collect.gnmi") / "presets.yaml").read_text(encoding="utf-8")
    )
    return found


def wanted(target: TargetConfig) -> list[Wanted]:
    """Everything to ask a target for, presets first; a path that is named twice is asked for as said last."""
    found: dict[tuple[str, str, str], Wanted] = {}
    for preset in target.presets:
        for one in presets()[preset]:
            slow_s = target.interval_s * one.get("slow", 1)
            mode = one.get("mode", "sample")
            made = Wanted(one["path"], mode, slow_s, target=one.get("target", ""), fallback_s=slow_s)
            found[made.path, made.target, "preset"] = made
    for own in target.subscriptions:
        found.pop((own.path, own.target, "preset"), None)
        found[own.path, own.target, own.mode] = _own(own, target.interval_s)
    return list(found.values())


def _own(own: SubscriptionConfig, interval_s: float) -> Wanted:
    chosen = own.interval_s if own.interval_s is not None else interval_s
    return Wanted(own.path, own.mode, chosen, own.heartbeat_s, own.suppress_redundant, own.target, chosen)


def path_message(text: str) -> Any:
    """A path of the settings as a message. Raises ``InvalidInput``."""
    parsed = parse_path(text)
    return pb.Path(
        origin=parsed.origin, elem=[pb.PathElem(name=name, key=dict(keys)) for name, keys in parsed.elements]
    )


def by_target(subscriptions: Iterable[Wanted]) -> list[tuple[Wanted, ...]]:
    """Groups that can share a request: those with the same target in their prefix, and the same origin.

    EOS, for one, refuses requests that mix its native paths with OpenConfig's.
    """
    groups: dict[tuple[str, str], list[Wanted]] = {}
    for one in subscriptions:
        groups.setdefault((one.target, parse_path(one.path).origin), []).append(one)
    return [tuple(group) for group in groups.values()]


def subscribe_request(group: Sequence[Wanted], encoding: str, method: str = "stream") -> Any:
    """The request for a group. ``method``: stream, once or poll."""
    subscriptions = [
        pb.Subscription(
            path=path_message(one.path),
            mode=pb.SubscriptionMode.Value(one.mode.upper()),
            sample_interval=int(one.interval_s * _NS) if one.mode == "sample" else 0,
            heartbeat_interval=int(one.heartbeat_s * _NS),
            suppress_redundant=one.suppress_redundant,
        )
        for one in group
    ]
    return pb.SubscribeRequest(
        subscribe=pb.SubscriptionList(
            prefix=pb.Path(target=group[0].target) if group[0].target else None,
            subscription=subscriptions,
            mode=pb.SubscriptionList.Mode.Value(method.upper()),
            encoding=pb.Encoding.Value(ENCODINGS[encoding]),
        )
    )


def poll_request() -> Any:
    """Ask again for what a subscription of mode poll holds."""
    return pb.SubscribeRequest(poll=pb.Poll())


def get_request(group: Sequence[Wanted], encoding: str, kind: str = "ALL") -> Any:
    """Ask once for the group's paths; ``kind``: ALL, CONFIG, STATE or OPERATIONAL."""
    return pb.GetRequest(
        prefix=pb.Path(target=group[0].target) if group[0].target else None,
        path=[path_message(one.path) for one in group],
        type=pb.GetRequest.DataType.Value(kind),
        encoding=pb.Encoding.Value(ENCODINGS[encoding]),
    )


def encodings(supported: Sequence[int], chosen: str) -> list[str]:
    """Encodings to try, best first. ``supported``: as the target says; nothing = it does not say."""
    if chosen != "auto":
        return [chosen]
    said = [ours for ours, theirs in ENCODINGS.items() if pb.Encoding.Value(theirs) in supported]
    return said or ["json_ietf", "proto", "json"]
