"""Acme's places: twelve sites on three continents and four branch offices.

Addresses are set aside for documentation, benchmarks and private use (RFC 5737, 3849, 2544, 1918).
"""

from __future__ import annotations

from weft.twin.organisation.model import Site

_AMERICA, _EUROPE, _ASIA = "Americas", "Europe", "Asia"


def _site(
    code: str, name: str, country: str, utc_offset_h: float, size: float, net: int, public: str,
    at: tuple[float, float], region: str, kind: str = "pop",
) -> Site:  # fmt: skip
    """A site whose private networks are 10.``net``.0.0/16."""
    return Site(
        code, name, country, utc_offset_h, size, f"10.{net}.0.0/18", f"10.{net}.128.0/20", public,
        f"2001:db8:{net}::/48", *at, kind=kind, region=region, has_agent=kind == "data centre",  # type: ignore[arg-type]
    )  # fmt: skip


_DC = "data centre"
SITES = (
    _site("chi", "Chicago", "US", -6, 1.00, 10, "203.0.113.0/27", (41.88, -87.63), _AMERICA, _DC),
    _site("nyc", "New York", "US", -5, 0.90, 20, "203.0.113.32/27", (40.71, -74.01), _AMERICA, _DC),
    _site("ams", "Amsterdam", "NL", 1, 0.80, 30, "203.0.113.64/27", (52.37, 4.90), _EUROPE, _DC),
    _site("fra", "Frankfurt", "DE", 1, 1.10, 40, "203.0.113.96/27", (50.11, 8.68), _EUROPE, _DC),
    _site("sin", "Singapore", "SG", 8, 0.60, 50, "203.0.113.128/27", (1.35, 103.82), _ASIA, _DC),
    _site("lon", "London", "GB", 0, 0.45, 60, "203.0.113.160/27", (51.51, -0.13), _EUROPE, _DC),
    _site("dal", "Dallas", "US", -6, 0.35, 70, "198.19.0.0/27", (32.78, -96.80), _AMERICA),
    _site("sjc", "San Jose", "US", -8, 0.40, 80, "198.19.0.32/27", (37.34, -121.89), _AMERICA),
    _site("par", "Paris", "FR", 1, 0.30, 90, "198.19.0.64/27", (48.86, 2.35), _EUROPE),
    _site("tyo", "Tokyo", "JP", 9, 0.40, 100, "198.19.0.96/27", (35.68, 139.69), _ASIA),
    _site("hkg", "Hong Kong", "HK", 8, 0.25, 160, "198.19.0.128/27", (22.32, 114.17), _ASIA),
    _site("mum", "Mumbai", "IN", 5.5, 0.25, 170, "198.19.0.160/27", (19.08, 72.88), _ASIA),
    _site("bos", "Boston office", "US", -5, 0.05, 180, "198.19.0.192/29", (42.36, -71.06), _AMERICA, "branch"),
    _site("aus", "Austin office", "US", -6, 0.04, 190, "198.19.0.200/29", (30.27, -97.74), _AMERICA, "branch"),
    _site("mad", "Madrid office", "ES", 1, 0.04, 200, "198.19.0.208/29", (40.42, -3.70), _EUROPE, "branch"),
    _site("osa", "Osaka office", "JP", 9, 0.03, 210, "198.19.0.216/29", (34.69, 135.50), _ASIA, "branch"),
)
BY_CODE = {site.code: site for site in SITES}
#: Where synthetics agents stand.
AGENT_SITES = tuple(site for site in SITES if site.has_agent)
