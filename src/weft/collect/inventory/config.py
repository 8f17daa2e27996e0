"""Settings of the inventory: whose word counts, and the sources that people keep."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from weft.component import Config
from weft.secret import Secret
from weft.store.inventory.config import FactsConfig

NetBoxObjects = Literal[
    "sites", "devices", "interfaces", "ip_addresses", "cables", "providers", "circuits", "circuit_terminations",
    "tenants", "prefixes", "services",
]  # fmt: skip


class NetBoxConfig(Config):
    """One NetBox instance (3.5 or later)."""

    name: str = Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9_. -]*$")
    """What it is called on the Sources page."""
    url: str
    """Where it is, e.g. ``https://netbox.example.com``; a path before ``/api`` is kept."""
    token: Secret
    """API token with the right to view the objects below. Versions 1 and 2 (``nbt_…``) both work."""
    interval_seconds: float = Field(default=300.0, ge=10, le=86_400)
    """How often to look for what changed."""
    full_seconds: float = Field(default=21_600.0, ge=60, le=7 * 86_400)
    """How often to read everything anew."""
    timeout_seconds: float = Field(default=30.0, ge=1, le=600)
    """How long to wait for one page."""
    page_size: int = Field(default=500, ge=10, le=1000)
    """Objects asked for at once; NetBox allows 1000 unless told otherwise."""
    max_objects: int = Field(default=300_000, ge=100, le=5_000_000)
    """Most objects of one kind that are read; with more, all stays as it was read last, and that is reported."""
    filters: dict[NetBoxObjects, dict[str, str | int | list[str | int]]] = Field(default_factory=dict)
    """Query parameters by kind of object, as in NetBox URLs: ``{devices: {status: [active, staged], tag: weft}}``.
    Interfaces and addresses of devices that are not read are left out by themselves."""
    leave_out: list[NetBoxObjects] = Field(default_factory=list)
    """Kinds of objects not to read."""
    site_names: Literal["slug", "name"] = "slug"
    """Call sites by their slug or by their name."""
    custom_fields: dict[Literal["site", "device", "interface", "circuit", "prefix", "customer", "provider"],
                        dict[str, str]] = Field(default_factory=dict)  # fmt: skip
    """Attributes from custom fields, by kind: ``{circuit: {cost_per_month: mrc}}`` reads the custom field ``mrc``."""
    verify_tls: bool = True
    """Whether the certificate must be valid. Rather name the authority's file than switch this off."""
    ca_file: Path | None = None
    """Certificates of the authority that signed NetBox's, in PEM; none = the system's."""

    @field_validator("url")
    @classmethod
    def _is_url(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("not a URL: write it like https://netbox.example.com")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("holds more than scheme, host, port and path; the token has a setting of its own")
        return url.rstrip("/").removesuffix("/api")


class InventoryConfig(FactsConfig):
    """What is known of the network, from files, NetBox and discovery, and whose word counts."""

    files: list[Path] = Field(default_factory=list)
    """Inventory files (YAML), or directories of them (``*.yaml``, ``*.yml``); read again when they change."""
    reload_seconds: float = Field(default=5.0, ge=0.2, le=86_400)
    """How often to look whether a file changed."""
    netbox: list[NetBoxConfig] = Field(default_factory=list)
    """NetBox instances."""

    @model_validator(mode="after")
    def _names(self) -> InventoryConfig:
        names = [one.name for one in self.netbox]
        if len(set(names)) != len(names):
            raise ValueError("two NetBox instances have the same name")
        return self
