"""Programs of others that tests compare with."""

from __future__ import annotations

import os
import shutil

import pytest


def needs(program: str, package: str) -> str:
    """Path of a program of a Debian package; where it is absent the test is skipped and says so."""
    found = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"{program} is not installed (Debian package {package})")
    return found
