"""The published gNMI messages (gnmi.proto 0.8), from the package that carries their stubs."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import DecodeError
from pygnmi.spec.v080 import gnmi_pb2

#: Messages and enumerations of gnmi.proto. Their classes are made at run time, so no type checker knows them.
pb: Any = gnmi_pb2

__all__ = ["DecodeError", "pb"]
