"""The ``routes`` dataset: what can be asked and measured of BGP updates in the explorer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from weft.model.dictionaries import Attribute
from weft.model.routes import ROUTES
from weft.model.tables import Kind
from weft.query.catalogue import OPERATORS, Dataset, Dimension, Example
from weft.query.dimensions import dimensions_of
from weft.query.measures import Measure

#: A prefix as people write it; rows of a whole session have none, routes without a prefix have their own words.
ROUTE_SQL = (
    "multiIf(event IN (5, 6), '', nlri != '', nlri, prefix BETWEEN toIPv6('::ffff:0.0.0.0') AND "
    "toIPv6('::ffff:255.255.255.255'), concat(substring(toString(prefix), 8), '/', toString(prefix_length)), "
    "concat(toString(prefix), '/', toString(prefix_length)))"
)


def _sum(name: str, title: str, unit: str, meaning: str) -> Measure:
    return Measure(name, title, unit, meaning, "sum", (name,))


def _unique(dimension: str, title: str) -> Measure:
    meaning = f"Distinct {title}, exact."
    return Measure(f"unique_{dimension}", title[:1].upper() + title[1:], "", meaning, "unique", dimension=dimension)


ROUTE_MEASURES = (
    _sum("updates", "Updates", "updates", "Announcements, changes of path and withdrawals, re-sent ones left out."),
    Measure("updates_per_s", "Updates per second", "update/s", "The same per second.", "rate", ("updates",)),
    _sum("announcements", "Announcements", "updates", "Routes where there was none."),
    _sum("path_changes", "Path changes", "updates", "Another path for a route that stood."),
    _sum("withdrawals", "Withdrawals", "updates", "Routes taken back."),
    _sum("sessions_up", "Sessions up", "sessions", "Sessions that came up."),
    _sum("sessions_down", "Sessions down", "sessions", "Sessions that went away."),
    _sum("invalid_updates", "RPKI-invalid updates", "updates", "Announced or changed routes that RPKI calls invalid."),
    _unique("prefix", "first addresses of prefixes"),
    _unique("exporter", "routers"),
    _unique("peer", "peers"),
    _unique("origin_as", "origin ASes"),
    _unique("as_path", "AS paths"),
)  # fmt: skip


def build_routes(extra: Mapping[str, Sequence[Attribute]]) -> Dataset:
    """The ``routes`` table: BGP updates, one row per change."""
    route = Dimension(
        "route", "Route", Kind.TEXT, "Prefix with its length, or the route's words where a prefix does not say it all.",
        ("event", "prefix", "prefix_length", "nlri"), expression=ROUTE_SQL, operators=OPERATORS[Kind.TEXT], wide=True,
        aliases=("prefix_text",),
    )  # fmt: skip
    return Dataset(
        ROUTES, {"route": route, **dimensions_of(ROUTES, extra)}, {}, {m.name: m for m in ROUTE_MEASURES},
        "BGP routes", "updates",
        records=("exporter", "rib", "peer", "event", "route", "as_path", "next_hop", "local_pref", "med", "communities",
                 "rpki"),
        ties=("prefix", "prefix_length", "exporter", "peer", "rib", "path_id", "time_received"),
        examples=(
            Example("Updates by peer", {"by": ["peer"]}),
            Example("What flaps", {"by": ["route"], "measures": ["updates", "withdrawals"], "view": "table"}),
            Example("Invalid routes", {"by": ["route", "origin_as"], "view": "table",
                                       "filter": "rpki = invalid AND event != checkpoint"}),
            Example("Sessions up and down", {"view": "records", "filter": "event IN (peer_up, peer_down)"}),
        ),
    )  # fmt: skip
