"""The inventory's sources as one component: files are looked at in one thread, each NetBox has its own."""

from __future__ import annotations

import threading
from typing import Protocol

import structlog

from weft.collect.inventory.config import InventoryConfig
from weft.collect.inventory.files import ORIGIN, Books, FileSource
from weft.collect.inventory.netbox import ORIGIN as NETBOX
from weft.collect.inventory.netbox import NetBoxSource
from weft.collect.ports import Facts

log = structlog.get_logger(__name__)


class Target(Facts, Protocol):
    """The inventory, as far as its own sources need it."""

    @property
    def shared(self) -> bool:
        """Whether other processes tell the same inventory of files and instances of theirs."""

    def scopes(self, origin: str) -> list[str]:
        """What an origin speaks about now."""


class InventorySources:
    """Opens nothing where nothing is configured."""

    def __init__(self, config: InventoryConfig, inventory: Target, intake: Books) -> None:
        self._config, self._inventory = config, inventory
        self._files = [FileSource(path, inventory, intake) for path in config.files]
        self._netboxes = [NetBoxSource(one, inventory, intake) for one in config.netbox]
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Read the files, begin to look for changes and to ask NetBox."""
        self._stopping.clear()
        self._withdraw()
        for source in self._files:
            source.open()
        self._look()
        if self._files:
            self._thread = threading.Thread(target=self._watch, name="weft-inventory-files", daemon=True)
            self._thread.start()
        for netbox in self._netboxes:
            netbox.start()

    def stop(self) -> None:
        """Stop looking. What was said stays said."""
        self._stopping.set()
        for netbox in self._netboxes:
            netbox.stop()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        for source in self._files:
            source.close()

    def _withdraw(self) -> None:
        """What files and instances said that are not configured any more."""
        if self._inventory.shared:
            return
        names = {one.name for one in self._config.netbox}
        gone = [
            (ORIGIN, scope) for scope in self._inventory.scopes(ORIGIN) if not any(f.owns(scope) for f in self._files)
        ]
        gone += [(NETBOX, scope) for scope in self._inventory.scopes(NETBOX) if scope not in names]
        for origin, scope in gone:
            log.info("inventory_source_gone", origin=origin, source=scope)
            self._inventory.observe(origin, scope, [], complete=True)

    def _watch(self) -> None:
        while not self._stopping.wait(self._config.reload_seconds):
            self._look()

    def _look(self) -> None:
        for source in self._files:
            try:
                source.look()
            except Exception:
                log.exception("inventory_file_failed", file=str(source.path))
