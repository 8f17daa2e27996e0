"""A ``Query`` with its names resolved and its grid laid."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property

from weft.query.catalogue import Dataset, Dimension, Either
from weft.query.filter.tree import Columns, Node, leaves
from weft.query.measures import Measure
from weft.query.model import Query
from weft.query.times import Grid


@dataclass(frozen=True)
class Ask:
    """What is asked. ``shift`` is how many seconds back to compare with (0 = not); ``slot`` the percentile's slot.

    ``changes`` holds, by dictionary, the minutes inside the asked windows from which on a name is another: a row has
    the names that were in force when its minute began, so that raw rows and rollups of a minute agree.
    """

    query: Query
    dataset: Dataset
    by: tuple[Dimension, ...]
    measures: tuple[Measure, ...]
    filter: Node | None
    grid: Grid
    shift: int = 0
    slot: int = 0
    changes: dict[str, tuple[int, ...]] = field(default_factory=dict)

    @cached_property
    def filter_dimensions(self) -> tuple[Dimension, ...]:
        """Dimensions that the filter looks at, either-side shorthands resolved."""
        return tuple(d for leaf in leaves(self.filter) for name in _names(leaf) for d in sides(self.dataset, name))

    @cached_property
    def columns(self) -> frozenset[str]:
        """Columns a table must keep to answer."""
        unique = [self.dataset.dimensions[m.dimension] for m in self.measures if m.form == "unique"]
        return frozenset(key for d in (*self.by, *self.filter_dimensions, *unique) for key in d.keys)

    def only(self, measures: Iterable[Measure]) -> Ask:
        """The same question about fewer measures, which a coarser table may answer."""
        return replace(self, measures=tuple(measures))

    @cached_property
    def edges(self) -> tuple[int, ...]:
        """All times of ``changes``, in order."""
        return tuple(sorted({t for times in self.changes.values() for t in times}))

    @property
    def versioned(self) -> frozenset[str]:
        """Dictionaries whose names depend on the time and are looked up to answer."""
        asked = (one for d in (*self.by, *self.filter_dimensions) for one in d.dictionaries)
        return frozenset(dictionary.name for dictionary in asked if dictionary.versioned)

    def changed(self, dimension: Dimension) -> bool:
        """Whether its names changed in the asked windows."""
        return any(self.changes.get(dictionary.name) for dictionary in dimension.dictionaries)

    @property
    def additive(self) -> Ask:
        """Only the measures that add up, which come from the same sums."""
        return self.only(m for m in self.measures if m.additive)

    @property
    def drawn(self) -> Ask:
        """The measures that add up and the first, which ranks and is drawn, whatever it is."""
        return self.only(m for m in self.measures if m.additive or m is self.measures[0])

    @property
    def percentiles(self) -> tuple[Measure, ...]:
        """Measures that need slots."""
        return tuple(m for m in self.measures if m.form == "percentile")


def _names(leaf: object) -> Iterable[str]:
    if isinstance(leaf, Columns):
        return (leaf.field, leaf.other)
    return (leaf.field,)  # type: ignore[attr-defined]


def sides(dataset: Dataset, name: str) -> tuple[Dimension, ...]:
    """The dimension of that name, or both sides of a shorthand."""
    found = dataset.field(name)
    assert found is not None
    return found.sides if isinstance(found, Either) else (found,)
