"""Acme's inventory file agrees with Acme."""

from pathlib import Path

from weft.collect.inventory.yamlfile import load_file
from weft.model.inventory import ObjectKind
from weft.twin import organisation as org
from weft.twin.cluster import layout as cluster
from weft.twin.inventory import write_inventory
from weft.twin.probing import hop_address


def test_the_file_is_understood_and_agrees(tmp_path: Path) -> None:
    loaded = load_file(write_inventory(tmp_path / "made" / "inventory.yaml"))
    assert loaded.warnings == ()
    facts = {(fact.kind, *fact.key): fact.attributes for fact in loaded.facts}
    for device in org.DEVICES:
        assert facts[ObjectKind.DEVICE, device.name]["addresses"] == [device.address, hop_address(device.name)]
        for port in org.all_ports(device):
            assert facts[ObjectKind.INTERFACE, device.name, port.name]["if_index"] == port.index
    assert loaded.counts["link"] == len(org.LINKS) + len(cluster.lines()) + 1
    for node in cluster.NODES:
        assert facts[ObjectKind.DEVICE, node.name]["role"] == node.role
        assert all((ObjectKind.INTERFACE, node.name, port.name) in facts for port in node.ports)
    sites = [facts[ObjectKind.SITE, site.code] for site in org.SITES]
    assert all(site["latitude"] and site["longitude"] for site in sites)
    circuits = {key[1]: value for key, value in facts.items() if key[0] is ObjectKind.CIRCUIT}
    used = {
        v["circuit"] for k, v in facts.items() if k[0] in {ObjectKind.INTERFACE, ObjectKind.LINK} and "circuit" in v
    }
    assert used == set(circuits)
    assert all(one["cost_per_month"] > 0 and one["capacity_bps"] > 0 for one in circuits.values())
