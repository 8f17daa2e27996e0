"""Flow logs of OCI's virtual cloud networks: entries of its Logging service, bare or as a connector writes them.

A record is one direction of a flow at one VNIC; it does not say which end the VNIC is.
"""

from __future__ import annotations

from weft.decode.cloud.cells import Cells, Word
from weft.decode.cloud.program import Program
from weft.decode.cloud.rows import ACCEPT, NODATA, OCI, REJECT, SKIPDATA, STATE_OK, Found
from weft.decode.cloud.scan import ADDRESS, NUMBER, SECONDS, WORD

WORDS = ("action", "status", "type", "vnic", "subnet", "compartment", "tenant")
_CELLS = {
    "data.sourceAddress": (ADDRESS, "src"), "data.destinationAddress": (ADDRESS, "dst"),
    "data.sourcePort": (NUMBER, "src_port"), "data.destinationPort": (NUMBER, "dst_port"),
    "data.protocol": (NUMBER, "protocol"), "data.bytesOut": (NUMBER, "bytes"), "data.packets": (NUMBER, "packets"),
    "data.startTime": (SECONDS, "start"), "data.endTime": (SECONDS, "end"), "data.action": (WORD, "action"),
    "data.status": (WORD, "status"), "type": (WORD, "type"), "oracle.vnicocid": (WORD, "vnic"),
    "oracle.vnicsubnetocid": (WORD, "subnet"), "oracle.vniccompartmentocid": (WORD, "compartment"),
    "oracle.tenantid": (WORD, "tenant"),
}  # fmt: skip
PROGRAM = Program(WORDS, {f"{before}{path}": cell for path, cell in _CELLS.items() for before in ("", "logContent.")})
_STATES = {
    "NODATA": NODATA, "SKIPDATA": SKIPDATA, "com.oraclecloud.vcn.flowlogs.QualityEvent.NoData": NODATA,
    "com.oraclecloud.vcn.flowlogs.QualityEvent.SkipData": SKIPDATA,
}  # fmt: skip


def found_in(cells: Cells, rows: int) -> Found:
    """Rows of what a kernel read."""
    words = {name: cells.word(name, rows) for name in WORDS}
    found = Found(rows, OCI)
    found.numbers = {
        name: cells.number(name, rows)
        for name in ("src_port", "dst_port", "protocol", "bytes", "packets", "start", "end")
    }  # fmt: skip
    state = words["status"].map(_STATES)
    kind = words["type"].map(_STATES)
    state[state == 0] = kind[state == 0]
    state[state == 0] = STATE_OK
    found.numbers["log_state"] = state
    found.numbers["verdict"] = words["action"].map({"ACCEPT": ACCEPT, "REJECT": REJECT})
    found.addresses = {f"{side}_addr": cells.address(side, rows) for side in ("src", "dst")}
    found.words = {
        "account": words["tenant"].filled(words["compartment"]), "interface_id": words["vnic"],
        "subnet": words["subnet"], "region": _region(words["vnic"].filled(words["subnet"])),
    }  # fmt: skip
    return found


def _region(ocid: Word) -> Word:
    """``ocid1.vnic.oc1.phx.…`` names the region."""
    return ocid.changed(lambda text: text.split(".")[3] if text.count(".") >= 4 else "")
