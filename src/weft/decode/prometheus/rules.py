"""Which of our metrics a pushed one is, and of what: rules as data (``rules.yaml``), applied once per new series.

The octets that ``eth0`` received have one name in Weft, whether SNMP, node_exporter or OpenTelemetry counted them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources

from pydantic import BaseModel, ConfigDict, Field

from weft.model.addresses import NO_ADDRESS, address_of_host
from weft.model.labels import labels_text
from weft.rulefile import Text, checked

COUNTER, GAUGE = 1, 2
_TYPES = {"counter": COUNTER, "gauge": GAUGE}
#: Longest host, component and name kept; longer ones are cut.
MOST_CHARACTERS = 512
_PLACE = re.compile(r"\{(\w+)\}")
_PORT = re.compile(r"^(?:\[([0-9A-Fa-f:.%\w]+)\]|([^:\[\]]+))(?::\d{1,5})?$")


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class MetricRule(_Model):
    """What one metric becomes."""

    name: str = Field(default="", alias="as")
    type: str = Field(default="", pattern="^(counter|gauge|)$")
    scale: float = 1.0
    offset: float = 0.0
    when: dict[str, str] = Field(default_factory=dict)
    component: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    labels: dict[str, str] = Field(default_factory=dict)  # added


class Profile(_Model):
    """The metrics of one exporter."""

    name: str
    host: tuple[str, ...] = ()
    component: tuple[str, ...] = ()
    if_index: str = ""
    drop: tuple[str, ...] = ()
    rename: dict[str, str] = Field(default_factory=dict)
    metrics: dict[str, MetricRule | tuple[MetricRule, ...]]


class _Counters(_Model):
    suffixes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


class _File(_Model):
    host: tuple[str, ...] = ()
    counters: _Counters = Field(default_factory=_Counters)
    profiles: tuple[Profile, ...] = ()


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a series is to Weft. ``type`` 0: as the sender's metadata or the name says."""

    metric: str
    host: str = ""
    exporter: bytes = NO_ADDRESS
    component: str = ""
    if_index: int = 0
    labels: str = ""
    type: int = 0
    scale: float = 1.0
    offset: float = 0.0


@dataclass
class Rules:
    """Compiled rules."""

    host: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    counters: re.Pattern[str] | None = None
    exact: dict[str, list[tuple[Profile, MetricRule]]] = field(default_factory=dict)
    beginnings: list[tuple[str, Profile, MetricRule]] = field(default_factory=list)

    def meaning(self, name: str, labels: Mapping[str, str]) -> Meaning:
        """What the series of metric ``name`` with ``labels`` (without its name) is."""
        profile, rule = self._rule(name, labels)
        host, exporter, told_by = self._host(profile, labels)
        left = dict(labels)
        if left.get(told_by) == host:  # a port tells two exporters of one device apart: then it stays
            left.pop(told_by, None)
        component = ""
        for template in (rule.component or profile.component) if rule and profile else ():
            filled, used = _fill(template, labels)
            if filled:
                component = filled
                for one in used:
                    left.pop(one, None)
                break
        if_index = 0
        if profile is not None and rule is not None:
            if_index = _number(labels.get(profile.if_index, ""))
            for one in (*profile.drop, *rule.drop):
                left.pop(one, None)
            left = {profile.rename.get(key, key): value for key, value in left.items()} | rule.labels
        return Meaning(
            ((rule.name if rule else "") or name)[:MOST_CHARACTERS], host, exporter, component[:MOST_CHARACTERS],
            if_index, labels_text(left.items()), _TYPES.get(rule.type, 0) if rule else 0,
            rule.scale if rule else 1.0, rule.offset if rule else 0.0,
        )  # fmt: skip

    def is_counter(self, name: str) -> bool:
        """Whether a metric of that name counts, as far as a name can tell."""
        return name.endswith(self.suffixes) or bool(self.counters and self.counters.match(name))

    def _rule(self, name: str, labels: Mapping[str, str]) -> tuple[Profile | None, MetricRule | None]:
        for profile, rule in self.exact.get(name, ()):
            if _fits(rule, labels):
                return profile, rule
        for beginning, profile, rule in self.beginnings:
            if name.startswith(beginning) and _fits(rule, labels):
                return profile, rule
        return None, None

    def _host(self, profile: Profile | None, labels: Mapping[str, str]) -> tuple[str, bytes, str]:
        """Name and address of the device, and the label that told."""
        for template in profile.host if profile and profile.host else self.host:
            filled, used = _fill(template, labels)
            if filled:
                host = without_port(filled)[:MOST_CHARACTERS]
                return host, address_of_host(host), used[0] if len(used) == 1 else ""
        return "", NO_ADDRESS, ""


def _fits(rule: MetricRule, labels: Mapping[str, str]) -> bool:
    return all(labels.get(key) == value for key, value in rule.when.items())


@lru_cache(maxsize=1024)
def _places(template: str) -> tuple[str, ...]:
    return tuple(_PLACE.findall(template))


def _fill(template: str, labels: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """The template with labels put in and the labels used; empty where one is missing."""
    names = _places(template)
    if any(not labels.get(name) for name in names):
        return "", ()
    return _PLACE.sub(lambda match: labels[match[1]], template), names


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


@lru_cache(maxsize=1 << 16)
def without_port(instance: str) -> str:
    """``host:port``, ``[v6]:port`` or an URL's authority to the host; anything else stays as it is."""
    text = instance.partition("://")[2] or instance
    text = text.partition("/")[0] if "://" in instance else text
    match = _PORT.match(text)
    return (match[1] or match[2]) if match else text


def read_rules(own: Iterable[Text] = ()) -> Rules:
    """The rules that come with Weft, after a user's ``own`` files. Raises ``ConfigError`` that names the file."""
    texts = list(own)
    texts.append(("rules.yaml", resources.files(__package__).joinpath("rules.yaml").read_text(encoding="utf-8")))
    rules, names = Rules(), []
    for text in texts:
        one = checked(_File, text, fix="See docs/prometheus.md.")
        rules.host += one.host
        rules.suffixes += one.counters.suffixes
        names += [re.escape(name).replace(r"\*", ".*") for name in one.counters.names]
        for profile in one.profiles:
            _compile(rules, profile)
    rules.counters = re.compile("|".join(f"(?:{name})$" for name in names)) if names else None
    return rules


def _compile(rules: Rules, profile: Profile) -> None:
    for name, given in profile.metrics.items():
        for rule in given if isinstance(given, tuple) else (given,):
            if name.endswith("*"):
                rules.beginnings.append((name[:-1], profile, rule))
            else:
                rules.exact.setdefault(name, []).append((profile, rule))
