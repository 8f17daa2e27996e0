"""What detection knows of places, from the inventory."""

from __future__ import annotations

from types import SimpleNamespace

from weft.detect.names import InventoryNames


def test_prefixes_of_services_of_others_are_not_ones_own() -> None:
    said = (
        ("192.0.2.0/24", {"service": "Somebody's meetings"}),
        ("198.51.100.0/24", {"customer": "Globex"}),
        ("203.0.113.0/24", {"site": "chi", "service": "shop"}),
        ("nonsense", {"site": "chi"}),
    )
    snapshot = SimpleNamespace(networks=said, objects=lambda _kind: ())
    names = InventoryNames(SimpleNamespace(version=1, snapshot=lambda: snapshot))
    assert [str(one) for one in names.networks()] == ["198.51.100.0/24", "203.0.113.0/24"]
