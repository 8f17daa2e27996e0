"""VPC flow logs of GCP, and logs of its firewall rules: entries of Cloud Logging as a sink writes them to a bucket.

Byte and packet counts are what Google extrapolated from the packets it looked at; a rate at which the subnet keeps
records beyond that is not in the record. Both ends of a connection between two VMs report it: ``SRC`` and ``DEST``.
"""

from __future__ import annotations

import numpy as np

from weft.decode.cloud.cells import Cells, Word, choose, constant, joined
from weft.decode.cloud.program import Program
from weft.decode.cloud.rows import ACCEPT, EGRESS, GCP, INGRESS, REJECT, Found
from weft.decode.cloud.scan import ADDRESS, NUMBER, STAMP, WORD

_SIDES = ("src", "dest")
_OF_SIDE = {
    "instance": "instance.vm_name", "project": "instance.project_id", "region": "instance.region",
    "zone": "instance.zone", "vpc": "vpc.vpc_name", "vpc_project": "vpc.project_id", "subnet": "vpc.subnetwork_name",
    "subnet_region": "vpc.subnetwork_region", "gateway": "gateway.name", "service": "google_service.service_name",
    "service_type": "google_service.type",
}  # fmt: skip
WORDS = (
    "reporter", "disposition", "rule", "fw_instance", "fw_project", "fw_region", "fw_zone", "fw_vpc", "fw_vpc_project",
    "fw_subnet", "fw_direction", "log_project", *(f"{side}_{name}" for side in _SIDES for name in _OF_SIDE),
)  # fmt: skip

PROGRAM = Program(WORDS, {
    f"jsonPayload.{path}": cell for path, cell in {
        "connection.src_ip": (ADDRESS, "src"), "connection.dest_ip": (ADDRESS, "dst"),
        "connection.src_port": (NUMBER, "src_port"), "connection.dest_port": (NUMBER, "dst_port"),
        "connection.protocol": (NUMBER, "protocol"), "bytes_sent": (NUMBER, "bytes"),
        "packets_sent": (NUMBER, "packets"), "start_time": (STAMP, "start"), "end_time": (STAMP, "end"),
        "src_location.asn": (NUMBER, "src_as"), "dest_location.asn": (NUMBER, "dst_as"),
        "reporter": (WORD, "reporter"), "disposition": (WORD, "disposition"),
        "rule_details.reference": (WORD, "rule"), "rule_details.direction": (WORD, "fw_direction"),
        "instance.vm_name": (WORD, "fw_instance"), "instance.project_id": (WORD, "fw_project"),
        "instance.region": (WORD, "fw_region"), "instance.zone": (WORD, "fw_zone"), "vpc.vpc_name": (WORD, "fw_vpc"),
        "vpc.project_id": (WORD, "fw_vpc_project"), "vpc.subnetwork_name": (WORD, "fw_subnet"),
        **{f"{side}_{path}": (WORD, f"{side}_{name}") for side in _SIDES for name, path in _OF_SIDE.items()},
    }.items()
} | {"timestamp": (STAMP, "path"), "resource.labels.project_id": (WORD, "log_project")})  # fmt: skip


def found_in(cells: Cells, rows: int) -> Found:
    """Rows of what a kernel read."""
    words = {name: cells.word(name, rows) for name in WORDS}
    found = Found(rows, GCP)
    reporter = words["reporter"].map({"SRC": EGRESS, "SRC_GATEWAY": EGRESS, "DEST": INGRESS, "DEST_GATEWAY": INGRESS})
    of_rule = words["fw_direction"].map({"INGRESS": INGRESS, "EGRESS": EGRESS})
    direction = np.where(reporter == 0, of_rule, reporter)
    out = direction != INGRESS
    for name in ("src_port", "dst_port", "protocol", "bytes", "packets", "start", "end", "src_as", "dst_as"):
        found.numbers[name] = cells.number(name, rows)
    found.numbers["direction"] = direction
    # A log of a firewall rule has no interval: the time of its entry.
    found.numbers["end"] = np.where(found.numbers["end"] > 0, found.numbers["end"], cells.number("path", rows))
    found.numbers["verdict"] = words["disposition"].map({"ALLOWED": ACCEPT, "DENIED": REJECT}, ACCEPT)
    found.addresses = {f"{side}_addr": cells.address(side, rows) for side in ("src", "dst")}
    own = {name: choose(out, words[f"src_{name}"], words[f"dest_{name}"]) for name in _OF_SIDE}
    peer = {name: choose(out, words[f"dest_{name}"], words[f"src_{name}"]) for name in _OF_SIDE}
    if not words["disposition"].empty:  # a firewall names its own side apart
        for name in ("instance", "project", "region", "zone", "vpc", "vpc_project", "subnet"):
            own[name] = own[name].filled(words[f"fw_{name}"])
    found.words = {
        "account": own["project"].filled(own["vpc_project"]).filled(words["log_project"]),
        "region": own["region"].filled(own["subnet_region"]), "zone": own["zone"], "vpc": _vpc(own),
        "subnet": joined(own["subnet_region"].filled(own["region"]), "/", own["subnet"]), "instance": own["instance"],
        "gateway": own["gateway"].filled(peer["gateway"]), "peer_vpc": _vpc(peer),
        "peer_subnet": joined(peer["subnet_region"].filled(peer["region"]), "/", peer["subnet"]),
        "peer_instance": peer["instance"], "peer_region": peer["region"].filled(peer["subnet_region"]),
        "service": peer["service"].filled(_service_type(peer["service_type"])),
        "rule": words["rule"], "interface_id": constant("", rows),
    }  # fmt: skip
    return found


def _vpc(side: dict[str, Word]) -> Word:
    """Networks have the same names in many projects."""
    return joined(side["vpc_project"], "/", side["vpc"])


def _service_type(word: Word) -> Word:
    return word.changed(lambda text: text.replace("_", " ").capitalize())
