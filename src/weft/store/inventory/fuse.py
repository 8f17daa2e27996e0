"""Several sources' words on one object become one: for each attribute the best source's value, others beside it.

Must do no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from weft.model.inventory import JOINED_ATTRIBUTES, NO_OTHERS, ORIGINS, Claim, InventoryObject, ObjectKind
from weft.model.naming import host_token, interface_token, mac_token, same_host
from weft.store.inventory.statements import Statement

_LAST = 1_000


class Precedence:
    """Which source's word counts more; sources that are not listed come after those that are, by name.

    ``own`` holds other orders for single attributes: those listed there come first, the rest as ever.
    """

    def __init__(self, order: Sequence[str] = ORIGINS, own: Mapping[str, Sequence[str]] | None = None) -> None:
        order = [*order, *(origin for origin in ORIGINS if origin not in order)]
        self._ranks = {origin: rank for rank, origin in enumerate(order)}
        self._own = {
            name: {o: rank for rank, o in enumerate([*best, *(o for o in order if o not in best)])}
            for name, best in (own or {}).items()
        }

    def rank(self, statement: Statement) -> tuple[int, str, str, tuple[str, ...], str]:
        """Position of a statement among others: lower counts more. No two statements of a kind are equal."""
        s = statement
        return self._ranks.get(s.origin, _LAST), s.origin, s.scope, s.key, s.kind

    def ordered(self, statements: Iterable[Statement]) -> list[Statement]:
        """Best first."""
        return sorted(statements, key=self.rank)

    def of_attribute(self, name: str, ordered: Sequence[Statement]) -> Sequence[Statement]:
        """Best first as to one attribute, of statements that are ``ordered``."""
        own = self._own.get(name)
        return ordered if own is None else sorted(ordered, key=lambda s: own.get(s.origin, _LAST))

    @property
    def exceptions(self) -> frozenset[str]:
        """Attributes with an order of their own."""
        return frozenset(self._own)


class Fuser:
    """Makes objects of statements. Equal claims are one object in memory: thousands of interfaces say the same."""

    def __init__(self, precedence: Precedence) -> None:
        self._precedence = precedence
        self._shared: dict[tuple[type, Any, str], Claim] = {}

    def object(
        self, kind: ObjectKind, key: tuple[str, ...], ordered: Sequence[Statement], **implied: str
    ) -> InventoryObject:
        """The object that ``ordered`` statements (best first) are about; ``implied`` attributes are the best one's."""
        claims = self.claims(kind, ordered)
        for name, value in implied.items():
            if name not in claims and value:
                claims[name] = self._claim(value, ordered[0].origin)
        return InventoryObject(
            kind, key, claims, tuple(dict.fromkeys(s.origin for s in ordered)), min(s.first_s for s in ordered),
            max(s.seen_s for s in ordered), tuple(s.source for s in ordered),
        )  # fmt: skip

    def with_claim(self, one: InventoryObject, name: str, value: Any, origin: str) -> InventoryObject:
        """The object with one attribute set."""
        return replace(one, claims={**one.claims, name: self._claim(value, origin)})

    def claims(self, kind: ObjectKind, ordered: Sequence[Statement]) -> dict[str, Claim]:
        """Attribute → the best source's value and who says otherwise."""
        if len(ordered) == 1:
            one = ordered[0]
            return {name: self._claim(value, one.origin) for name, value in one.attributes.items()}
        claims: dict[str, Claim] = {}
        for name in dict.fromkeys(name for s in ordered for name in s.attributes):
            ranked = self._precedence.of_attribute(name, ordered)
            said = [(s.origin, s.attributes[name]) for s in ranked if name in s.attributes]
            if name in JOINED_ATTRIBUTES and all(isinstance(value, list) for _, value in said):
                claims[name] = self._claim(list(dict.fromkeys(v for _, value in said for v in value)), said[0][0])
                continue
            origin, value = said[0]
            others = {o: v for o, v in reversed(said[1:]) if o != origin and not same(kind, name, v, value)}
            claims[name] = Claim(value, origin, others) if others else self._claim(value, origin)
        return claims

    def _claim(self, value: Any, origin: str) -> Claim:
        if isinstance(value, list):
            return Claim(value, origin)
        known = (type(value), value, origin)
        claim = self._shared.get(known)
        if claim is None:
            claim = self._shared[known] = Claim(value, origin, NO_OTHERS)
        return claim


def same(kind: ObjectKind, attribute: str, one: Any, other: Any) -> bool:
    """Whether two values say the same: names in full and abbreviated do."""
    if one == other:
        return True
    if not isinstance(one, str) or not isinstance(other, str):
        return False
    if attribute == "name" and kind is ObjectKind.DEVICE:
        return same_host(host_token(one), host_token(other))
    if attribute in {"a_device", "b_device"}:
        return same_host(host_token(one), host_token(other))
    if (attribute == "name" and kind is ObjectKind.INTERFACE) or attribute in {"lag", "a_interface", "b_interface"}:
        return interface_token(one) == interface_token(other)
    if attribute in {"mac", "chassis_id"}:
        return mac_token(one) == mac_token(other)
    return one.casefold() == other.casefold() if attribute in {"serial", "site", "role", "provider"} else False
