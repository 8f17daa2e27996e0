"""Configurations of devices: versions, texts, differences. Secrets are masked before they are kept."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from starlette.requests import HTTPConnection

from weft.api.auth.requests import Viewer
from weft.api.errors import RESPONSES, NotFound
from weft.api.models.configs import ConfigDiffView, ConfigTextView, ConfigVersionsView, ConfigVersionView
from weft.api.ports import deps_of
from weft.collect.configs import ConfigHistory, Version
from weft.errors import InvalidInput

router = APIRouter(tags=["configs"], responses=RESPONSES)

Name = Annotated[str, Path(max_length=400, description="Name or address of the device.")]
Number = Annotated[int, Path(ge=1, description="Number of the version.")]


def _history_of(connection: HTTPConnection) -> ConfigHistory:
    deps = deps_of(connection)
    return deps.configs if deps.configs is not None else ConfigHistory(deps.data_dir / "configs" / "devices")


History = Annotated[ConfigHistory, Depends(_history_of)]


@router.get("/configs", operation_id="listConfigs", summary="Devices with configurations")
def devices(_: Viewer, history: History) -> list[str]:
    """Names of the devices whose configurations are kept."""
    return history.devices()


# Names of devices may hold slashes: the longer paths come first.
@router.get(
    "/devices/{name:path}/configs/{number}/diff", operation_id="diffConfigs", summary="What changed in a configuration"
)
def diff(
    name: Name, number: Number, _: Viewer, history: History,
    against: Annotated[int | None, Query(ge=1, description="The older version; none = the one before.")] = None,
) -> ConfigDiffView:  # fmt: skip
    """The unified difference of two versions, and the sections it is in."""
    _version(history, name, number)
    old = against if against is not None else _before(history, name, number)
    _version(history, name, old)
    change = history.compare(name, old, number)
    return ConfigDiffView(
        device=name, old=old, new=number, diff=change.text, added=change.added, removed=change.removed,
        sections=list(change.sections),
    )  # fmt: skip


@router.get("/devices/{name:path}/configs/{number}", operation_id="getConfig", summary="A configuration")
def config(name: Name, number: Number, _: Viewer, history: History) -> ConfigTextView:
    """One version with its text."""
    version = _version(history, name, number)
    return ConfigTextView(device=name, text=history.text(name, number), **_view(version).model_dump())


@router.get("/devices/{name:path}/configs", operation_id="listDeviceConfigs", summary="Versions of a configuration")
def versions(name: Name, _: Viewer, history: History) -> ConfigVersionsView:
    """The versions of a device's configuration, newest first; none where none was ever collected."""
    return ConfigVersionsView(device=name, versions=[_view(one) for one in history.versions(name)])


def _version(history: ConfigHistory, name: str, number: int) -> Version:
    found = next((one for one in history.versions(name) if one.number == number), None)
    if found is None:
        raise NotFound(f"there is no version {number} of the configuration of {name!r}", where="number")
    return found


def _before(history: ConfigHistory, name: str, number: int) -> int:
    older = [one.number for one in history.versions(name) if one.number < number]
    if not older:
        raise InvalidInput("this is the oldest version that is kept", where="number", fix="Name another with ?against=")
    return older[0]


def _view(version: Version) -> ConfigVersionView:
    values = asdict(version)
    del values["digest"]
    return ConfigVersionView(**values | {"sections": list(version.sections)})
