"""Devices and their interfaces."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from weft.api.auth.requests import Viewer
from weft.api.errors import RESPONSES
from weft.api.models.devices import DeviceInterfaceView, DevicesView, DeviceView
from weft.api.ports import TheDevices

router = APIRouter(tags=["devices"], responses=RESPONSES)

Since = Annotated[str, Query(max_length=64, description="now-6h, ISO 8601 or UTC seconds.")]
Until = Annotated[str, Query(max_length=64, description="The end of the range; rates are of the minutes before it.")]
Name = Annotated[str, Path(max_length=400, description="Name or address of the device.")]


@router.get("/devices", operation_id="listDevices", summary="Devices")
def devices(_: Viewer, pages: TheDevices, until: Until = "now") -> DevicesView:
    """Every device of the inventory: whether it is well, what it carries, what feeds it."""
    return pages.devices.view(until)


# Names of interfaces, and now and then of devices, hold slashes: this route comes first, and takes them as they are.
@router.get(
    "/devices/{name:path}/interfaces/{interface:path}", operation_id="getDeviceInterface", summary="An interface"
)
def interface(
    name: Name,
    interface: Annotated[str, Path(max_length=400, description="Name in full or short.")],
    _: Viewer,
    pages: TheDevices,
    since: Since = "now-6h",
    until: Until = "now",
) -> DeviceInterfaceView:
    """State, rates, optics, neighbour, and the questions behind its charts."""
    return pages.details.interface(name, interface, since, until)


@router.get("/devices/{name:path}", operation_id="getDevice", summary="A device")
def device(name: Name, _: Viewer, pages: TheDevices, since: Since = "now-6h", until: Until = "now") -> DeviceView:
    """Identity with origins, health, sources, interfaces with rates, neighbours, BGP sessions, newest values."""
    return pages.details.device(name, since, until)
