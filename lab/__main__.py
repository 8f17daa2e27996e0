"""``python -m lab up|down|status|vtysh``: the lab by hand."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lab.network import Lab, missing
from lab.topology import TOPOLOGIES


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m lab", description=__doc__)
    parser.add_argument("verb", choices=("up", "down", "status", "vtysh"))
    parser.add_argument("arguments", nargs="*", help="vtysh: ROUTER COMMAND…")
    parser.add_argument("--topology", choices=sorted(TOPOLOGIES), default="small")
    parser.add_argument("--prefix", default="weft-lab")
    options = parser.parse_args()
    if reason := missing():
        print(f"lab: {reason}", file=sys.stderr)
        return 1
    lab = Lab(TOPOLOGIES[options.topology], options.prefix, Path("/run") / options.prefix)
    if options.verb == "up":
        lab.up()
        lab.wait_for_bgp()
        print(f"up; run Weft in it with: ip netns exec {lab.station} weft up")
    elif options.verb == "down":
        lab.down()
    elif options.verb == "vtysh":
        router, *commands = options.arguments
        print(lab.nodes[router].vtysh(*commands))
    else:
        for node in lab.nodes.values():
            print(node.router.name, node.router.management)
            print(node.vtysh("show bgp ipv4 unicast summary"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
