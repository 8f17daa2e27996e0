"""Compiles every kernel once by running a moment of the demo through the whole pipeline, in a directory thrown away.

numba keeps the machine code beside the sources, so that ``weft up`` starts in seconds.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from weft.app import Role, assemble
from weft.component import Running
from weft.config import Settings
from weft.logs import configure_logging


def main() -> int:
    """Start, back-fill a few minutes, stop."""
    configure_logging("warning")
    with tempfile.TemporaryDirectory(prefix="weft-warm-") as folder:
        free_port = {"port": 0, "address": "127.0.0.1"}
        settings = Settings.model_validate({
            "data_dir": Path(folder),
            "store": {"data_dir": Path(folder)},
            "collect": {"listeners": [free_port, free_port, free_port]},
            "api": {"port": 0},
            "demo": {"backfill_hours": 0.1},
        })  # fmt: skip
        running = Running(assemble(settings, Role.UP, demo=True).parts)
        running.start()
        running.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
