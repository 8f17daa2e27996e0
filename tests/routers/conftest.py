"""A small lab of real routers per file, and Weft in its station with the file's ``CONFIG``."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from lab.network import Lab, missing
from lab.topology import SMALL
from tests.routers.station import Station


@pytest.fixture(scope="module")
def lab(request):
    if reason := missing():
        pytest.skip(f"the lab of real routers cannot be built here: {reason}")
    short = request.module.__name__.rpartition("_")[2][0]  # names of interfaces are short
    one = Lab(SMALL, f"w{short}{os.getpid() % 10000}", Path("/run") / f"weft-{short}-{os.getpid()}")
    one.up()
    try:
        one.wait_for_bgp()
        yield one
    finally:
        one.down()


@pytest.fixture(scope="module")
def station(request, lab, tmp_path_factory):
    one = Station(lab, tmp_path_factory.mktemp("station"), request.module.CONFIG)
    try:
        one.ready()
        yield one
    finally:
        one.stop()
