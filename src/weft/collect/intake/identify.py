"""Ties rows to the inventory: a host becomes an address, an interface's name its ifIndex and the other way round."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weft.collect.intake.identity import Identity
from weft.model.addresses import NO_ADDRESS
from weft.model.metrics import WORD


def identify(rows: pa.RecordBatch, identity: Identity) -> pa.RecordBatch:
    """The rows with what the inventory knows; works on distinct values, not on rows.

    ``exporter`` by host; of ``component`` and ``if_index`` each by the other where only one is given.
    """
    if not rows.num_rows or "exporter" not in rows.schema.names:
        return rows
    rows = _devices(rows, identity)
    return _interfaces(rows, identity) if "if_index" in rows.schema.names else rows


def _devices(rows: pa.RecordBatch, identity: Identity) -> pa.RecordBatch:
    encoded: Any = rows.column("exporter").dictionary_encode()
    addresses = encoded.dictionary.to_pylist()
    kept = [identity.primary_address(address) if address != NO_ADDRESS else address for address in addresses]
    if NO_ADDRESS not in addresses or "host" not in rows.schema.names:
        return rows if kept == addresses else _set(rows, "exporter", _of(kept, encoded.indices))
    hosts: Any = rows.column("host")
    names = hosts.dictionary.to_pylist()
    known = [identity.address_of(name) if name else NO_ADDRESS for name in names]
    table = np.frombuffer(b"".join(kept), "V16")[encoded.indices.to_numpy()]
    of_host = np.frombuffer(b"".join(known), "V16")[hosts.indices.to_numpy()]
    absent = encoded.indices.to_numpy() == addresses.index(NO_ADDRESS)
    table = np.where(absent, of_host, table)
    column = pa.Array.from_buffers(pa.binary(16), len(table), [None, pa.py_buffer(table.tobytes())])
    return _set(rows, "exporter", column)


def _of(values: list[bytes], indices: Any) -> pa.Array[Any]:
    table = np.frombuffer(b"".join(values), "V16")[indices.to_numpy()]
    return pa.Array.from_buffers(pa.binary(16), len(table), [None, pa.py_buffer(table.tobytes())])


def _interfaces(rows: pa.RecordBatch, identity: Identity) -> pa.RecordBatch:
    component: Any = rows.column("component")
    names = [name or "" for name in component.dictionary.to_pylist()]
    codes = component.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    named = np.array([bool(name) for name in names], np.bool_)[codes] if names else np.zeros(len(codes), np.bool_)
    index = rows.column("if_index").to_numpy(zero_copy_only=False)
    unnumbered = np.flatnonzero(named & (index == 0))
    unnamed = np.flatnonzero(~named & (index != 0))
    if len(unnumbered):
        index = index.copy()
        for devices, chosen in _pairs(rows, codes, unnumbered):
            index[chosen] = identity.if_index_of(devices, names[codes[chosen[0]]])
        rows = _set(rows, "if_index", pa.array(index, pa.uint32()))
    if len(unnamed):
        names, codes = list(names), codes.copy()
        at: dict[str, int] = {}
        for device, chosen in _pairs(rows, index.astype(np.int64), unnamed):
            name = identity.interface_name(device, int(index[chosen[0]]))
            if name:
                if name not in at:
                    at[name] = len(names)
                    names.append(name)
                codes[chosen] = at[name]
        column = pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(names, pa.string()))
        rows = _set(rows, "component", column.cast(WORD))
    return rows


def _pairs(
    rows: pa.RecordBatch, codes: NDArray[np.int64], chosen: NDArray[np.int64]
) -> list[tuple[bytes, NDArray[np.int64]]]:
    """The chosen rows by (device, code), with the device's address."""
    devices: Any = rows.column("exporter").dictionary_encode()
    keys = devices.indices.to_numpy().astype(np.int64)[chosen] << 32 | codes[chosen]
    order = np.argsort(keys, kind="stable")
    cuts = np.flatnonzero(np.diff(keys[order])) + 1
    addresses = devices.dictionary.to_pylist()
    parts = np.split(chosen[order], cuts)
    return [(addresses[devices.indices[int(part[0])].as_py()], part) for part in parts]


def _set(rows: pa.RecordBatch, name: str, column: pa.Array[Any]) -> pa.RecordBatch:
    at = rows.schema.get_field_index(name)
    return rows.set_column(at, rows.schema.field(at), column)
