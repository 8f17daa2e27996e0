"""Weft as a process in the lab's station, and asking it from there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from lab.network import Lab

SOURCES = str(Path(__file__).resolve().parents[2] / "src")
WAIT_S = 60


class Station:
    """Weft in the station's namespace. ``settings``: its weft.yaml, in which DATA stands for its data directory."""

    def __init__(self, lab: Lab, directory: Path, settings: str) -> None:
        self._lab, self.directory = lab, directory
        config = directory / "weft.yaml"
        config.write_text(settings.replace("DATA", str(directory / "data")))
        clean = {name: value for name, value in os.environ.items() if not name.startswith("WEFT_")}
        self._environment = clean | {"PYTHONPATH": SOURCES, "WEFT_CONFIG": str(config)}
        self.process = self._start("up")

    def _start(self, verb: str) -> subprocess.Popen[str]:
        with (self.directory / "stderr").open("w") as errors:
            return subprocess.Popen(
                ["ip", "netns", "exec", self._lab.station, sys.executable, "-m", "weft", verb],
                env=self._environment, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=self.directory,
            )  # fmt: skip

    def ready(self) -> None:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("Weft is ready"), (self.directory / "stderr").read_text()[-3000:]

    def ask(self, *arguments: str):
        command = ["ip", "netns", "exec", self._lab.station, sys.executable, "-m", "weft", *arguments, "--json"]
        done = subprocess.run(
            command, env=self._environment, capture_output=True, text=True, timeout=60, cwd=self.directory, check=False
        )
        assert done.stdout, done.stderr[-2000:]  # `weft sources` fails where a source does
        return json.loads(done.stdout)

    def wait_for(self, what, *arguments: str):
        """The first answer for which ``what`` gives something; fails with the last one."""
        deadline, answer = time.monotonic() + WAIT_S, None
        while time.monotonic() < deadline:
            answer = self.ask(*arguments)
            if found := what(answer):
                return found
            time.sleep(1)
        pytest.fail(f"{arguments}: {json.dumps(answer)[:3000]}\n{self._seen()}")

    def _seen(self) -> str:
        """What else there is to know when something did not come: the routers, the sources, what Weft logged."""
        routers = {
            name: (node.vtysh("show bgp ipv4 unicast summary"), node.vtysh("show bmp"))
            for name, node in self._lab.nodes.items()
        }
        told = [{key: one[key] for key in sorted(one) if one[key]} for one in self.ask("sources")["sources"]]
        return f"{json.dumps(routers)}\n{json.dumps(told)}\n{(self.directory / 'stderr').read_text()[-1500:]}"

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()


def rows(answer):
    names = [column["name"] for column in answer["columns"]]
    return [dict(zip(names, row, strict=True)) for row in answer["rows"]]
