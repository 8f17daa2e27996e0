"""Which port pauses come from: those of a port whose neighbour is itself told to pause were only passed on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from weft.detect.detector import Finding
from weft.detect.devices.columns import F64
from weft.detect.devices.rounds import chart, interface_entity
from weft.detect.lines import Port

#: Share of the time that a port is paused: a storm, and a port that somebody slow holds up.
STORM, HELD_UP = 0.3, 0.01
#: A neighbour that is paused for so much of the share that it pauses with passes on what it gets.
_PASSED_ON = 0.3
#: How old a reading may be, s.
_FRESH_S = 300.0
_MOST_HELD_UP, _SHOWN, _HOPS = 50_000, 8, 6


class Pauses:
    """Ports that are told to pause now, and who tells them."""

    def __init__(self, neighbour: Callable[[str, str], Port | None]) -> None:
        self._neighbour = neighbour
        self._held_up: dict[str, dict[str, tuple[float, float]]] = {}  # device → port → share of the time, when
        self._count = 0

    def note(self, device: str, ports: Sequence[str], shares: F64, at_s: float) -> None:
        """How much of the time each port of a switch is told to pause."""
        self._count -= len(self._held_up.pop(device, ()))
        now = {ports[at]: (float(shares[at]), at_s) for at in (shares >= HELD_UP).nonzero()[0].tolist()}
        if now and self._count + len(now) <= _MOST_HELD_UP:
            self._held_up[device] = now
            self._count += len(now)

    def is_victim(self, device: str, port: str, at_s: float) -> bool:
        """Whether what is at the other end of a port only passes on pauses that come from elsewhere."""
        own = self._held_up.get(device, {}).get(port)
        far = self._neighbour(device, port)
        if own is None or far is None:
            return False
        came, at, seen = device, far[0], {device}
        for hop in range(_HOPS):
            told = self._worst(at, came, _PASSED_ON * own[0], at_s)
            if told is None:
                return hop > 0
            seen.add(at)
            came, at = at, told
            if at in seen:
                return False  # all wait for each other: each is told of
        return True

    def _worst(self, device: str, but: str, least: float, at_s: float) -> str | None:
        """Who pauses a device most, of all but one; empty where that is not known, None where nobody does."""
        found = [
            (share, (self._neighbour(device, port) or ("", ""))[0])
            for port, (share, when) in self._held_up.get(device, {}).items()
            if share >= least and at_s - when <= _FRESH_S
        ]
        return max((one for one in found if one[1] != but), default=(0.0, None))[1]

    def victims(self, device: str, at_s: float) -> list[tuple[Port, float]]:
        """Ports that are held up because a switch is: those that lead to it, and so on, worst first of each."""
        reached, front, found = {device}, {device}, []
        for _ in range(_HOPS):
            hit = sorted(
                (-share, name, port)
                for name, ports in self._held_up.items() if name not in reached
                for port, (share, when) in ports.items()
                if at_s - when <= _FRESH_S and (self._neighbour(name, port) or ("", ""))[0] in front
            )  # fmt: skip
            found += [((name, port), -share) for share, name, port in hit]
            front = {name for _, name, _ in hit}
            reached |= front
            if not front:
                break
        return found

    def told(self, device: str, port: str, share: float, at_s: float) -> str:
        """Who pauses whom, in words."""
        far = self._neighbour(device, port)
        who = f"What is behind it, {' '.join(far).strip()}," if far is not None else "What is behind it"
        text = (
            f"{who} tells it to pause {100 * share:.0f} % of the time: it takes what is meant for it far too slowly, "
            f"and that backs up."
        )
        held_up = self.victims(device, at_s)
        if held_up:
            first = ", ".join(f"{name} {at} ({100 * part:.0f} %)" for (name, at), part in held_up[:_SHOWN])
            more = f" and {len(held_up) - _SHOWN} more" if len(held_up) > _SHOWN else ""
            text += f" Held up by that in turn: {first}{more}."
        return text

    def named(self, finding: Finding, device: str) -> Finding:
        """A finding with where its pauses come from in its title, and the ports that they hold up beside it."""
        port = finding.entity.id.partition("|")[2]
        far = self._neighbour(device, port)
        held_up = [interface_entity(*one) for one, _ in self.victims(device, finding.at_s)[:20]]
        if far is None:
            return replace(finding, others=(*finding.others, *held_up))
        shown = chart(far[0], ["node_infiniband_tx_prio3_pause", "pfc_tx_pkts"], far[1], "Pauses that it sends")
        return replace(
            finding, title=f"{' '.join(far).strip()} pauses {device} {port} without end"[:200],
            others=(*finding.others, *held_up), evidence=(*finding.evidence, shown),
        )  # fmt: skip
