"""Password guessing: connection after connection to a login service, short, alike, and none becomes a session."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from pydantic import Field

from weft.component import Config
from weft.detect.context import Context
from weft.detect.detector import About, Finding, RowsDetector
from weft.detect.security.login_kernels import TARGET, attempts, logins
from weft.detect.security.rows import CurrentNetworks, address_text, same_rows
from weft.detect.texts import lasting
from weft.model.events import Entity, EventGroup, Evidence, Severity

SERVICES = {
    21: "FTP", 22: "SSH", 23: "Telnet", 110: "POP3", 143: "IMAP", 445: "SMB", 587: "mail submission", 993: "IMAPS",
    995: "POP3S", 1433: "MS-SQL", 2222: "SSH", 3306: "MySQL", 3389: "RDP", 5432: "PostgreSQL", 5900: "VNC",
    5985: "WinRM", 5986: "WinRM", 6379: "Redis", 8291: "Winbox",
}  # fmt: skip
_SAY_EVERY_S = 30.0
_ALIKE = 0.35  # standard deviation over mean of the octets of attempts
_MOST_GUESSERS = 40
_JOINED = 1.5  # times what one source tries: others do the same
_KEEP_SAID = 8192


class BruteForceSettings(Config):
    """What is taken for password guessing."""

    ports: list[int] = Field(default_factory=lambda: sorted(SERVICES))
    """TCP ports of login services."""
    tries: float = Field(default=20.0, gt=3)
    """Connections of a source outside, one's half-life counted, from which on it guesses."""
    tries_inside: float = Field(default=60.0, gt=3)
    """The same of a source inside: machines sign in to machines."""
    tries_together: float = Field(default=40.0, gt=3)
    """The same of all sources outside together at one service."""
    half_life_min: float = Field(default=20.0, gt=0, le=10_000)
    """A connection counts half after so many minutes."""
    most: int = Field(default=8192, ge=64, le=1 << 20)
    """Sources and services that are remembered; 330 octets each."""


class BruteForceDetector(RowsDetector):
    """Password guessing by source, and by target where many take part. Memory: ``most`` slots."""

    about = About(
        "brute_force", "Password guessing", EventGroup.SECURITY,
        "Many short connections of one size to a login service, from one source or from a few together.",
        {"brute_force": "Somebody tries one password after another."},
    )  # fmt: skip
    tables = ("flows",)

    def __init__(self, context: Context) -> None:
        self._settings = s = BruteForceSettings.model_validate(context.config.settings)
        slots = 1 << (s.most - 1).bit_length()
        self._logins = logins(slots)
        self._found = np.zeros(slots, np.bool_)
        self._limits = np.array([s.tries, s.tries_inside, s.tries_together])
        self._is_login = np.zeros(65536, np.bool_)
        self._is_login[[port for port in s.ports if 0 < port < 65536]] = True
        self._own = CurrentNetworks(context.networks)
        self._said_s: dict[str, float] = {}
        self._faded_s = 0.0

    def take(self, table: str, rows: pa.RecordBatch) -> list[Finding]:  # noqa: ARG002 - flows are all it is given
        """Count rows; who guesses by now."""
        if not rows.num_rows:
            return []
        own, flows = self._own(), same_rows(rows)
        at_s = np.where(flows.received_s - flows.end_s > 120, flows.received_s, flows.end_s)
        attempts(
            self._logins, (flows.src_high, flows.src_low, flows.dst_high, flows.dst_low),
            (own.high, own.low, own.owner),
            (flows.src_port, flows.dst_port, flows.protocol, flows.flags, flows.seen, flows.octets, flows.rate, at_s),
            self._is_login, self._settings.half_life_min * 60, self._limits, self._found,
        )  # fmt: skip
        if not self._found.any():
            return []
        slots = np.flatnonzero(self._found)
        self._found[slots] = False
        now_s = float(flows.received_s.max())
        return [one for slot in slots.tolist() for one in self._told(slot, now_s)]

    def tick(self, now_s: float) -> list[Finding]:
        """Slots of long ago give way sooner."""
        if now_s - self._faded_s >= 1800:
            self._logins.weights[:] *= np.float32(0.7)
            self._said_s = {key: at for key, at in self._said_s.items() if now_s - at < 3600}
            self._faded_s = now_s
        return []

    @property
    def bytes_used(self) -> int:
        """Octets of memory."""
        return sum(column.nbytes for column in self._logins) + self._found.nbytes

    def _told(self, slot: int, now_s: float) -> Iterator[Finding]:
        s = self._logins
        slot = self._whole_of(slot)
        alike = self._alike(slot)
        if alike is not None and alike > _ALIKE:
            return
        target = address_text(s.dst_high[slot], s.dst_low[slot])
        sources = sorted(
            address_text(high, low)
            for high, low in zip(s.others_high[slot], s.others_low[slot], strict=True)
            if high or low
        )
        together = int(s.family[slot]) == TARGET
        if together and (len(sources) < 2 or int(s.who[slot]).bit_count() > _MOST_GUESSERS):
            return
        key = target if together else f"{sources[0]} {target}"
        if now_s - self._said_s.get(key, -1e9) < _SAY_EVERY_S:
            return
        # Whom one source attacks is told of that source, as long as nobody joins it.
        if together and any(now_s - self._said_s.get(f"{one} {target}", -1e9) < 900 for one in sources):
            return
        if len(self._said_s) < _KEEP_SAID:
            self._said_s[key] = now_s
        yield self._finding(slot, now_s, target, sources, together, alike)

    def _whole_of(self, slot: int) -> int:
        """The slot of all sources at a target, where one source has only a part in it; else the same."""
        s = self._logins
        if int(s.family[slot]) == TARGET:
            return slot
        same = (s.family == TARGET) & (s.dst_low == s.dst_low[slot]) & (s.dst_high == s.dst_high[slot])
        for whole in np.flatnonzero(same & (s.port == s.port[slot]) & (s.keys != 0)).tolist():
            if s.tries[whole] >= _JOINED * s.tries[slot] and 2 <= int(s.who[whole]).bit_count() <= _MOST_GUESSERS:
                return int(whole)
        return slot

    def _alike(self, slot: int) -> float | None:
        """Spread of the sizes of attempts over their mean; None where too few were seen in full."""
        s = self._logins
        count = float(s.whole[slot])
        if count < 8:
            return None
        mean = float(s.octets[slot]) / count
        return float(np.sqrt(max(0.0, float(s.squares[slot]) / count - mean * mean)) / max(mean, 1.0))

    def _finding(
        self, slot: int, now_s: float, target: str, sources: list[str], together: bool, alike: float | None
    ) -> Finding:
        s = self._logins
        port = int(s.port[slot])
        service = SERVICES.get(port, f"TCP port {port}")
        lasts = max(10.0, min(now_s - float(s.first_s[slot]), self._settings.half_life_min * 60 / np.log(2)))
        per_min = float(s.passed[slot]) / lasts * 60
        size = "" if alike is None else f", of {s.octets[slot] / s.whole[slot]:,.0f} octets ± {100 * alike:.0f} %"
        many = int(s.who[slot]).bit_count()
        who = f"{many} sources together" if together else sources[0]
        hosts = [Entity(kind="host", id=one) for one in sources]
        victim = Entity(kind="host", id=target)
        return Finding(
            "brute_force", victim if together else hosts[0], now_s, f"Password guessing at {service} of {target}",
            f"{who}: {float(s.tries[slot]):.0f} short connections to {service} of {target} within "
            f"{lasting(lasts)}, about {per_min:.3g} a minute{size}; none became a session.",
            Severity.MAJOR, hold_s=1200.0, started_s=min(float(s.first_s[slot]), now_s), seen=per_min, unit="1/min",
            score=min(20.0, float(s.tries[slot]) / 5), confidence=0.85 if alike is None else 0.92,
            others=tuple(hosts) if together else (victim,),
            evidence=(Evidence(
                kind="query", title="The connections",
                query={"dataset": "flows", "view": "records",
                       "filter": f"dst_addr = {target} AND dst_port = {port}"
                                 + ("" if together else f" AND src_addr = {sources[0]}")},
            ),),
        )  # fmt: skip
