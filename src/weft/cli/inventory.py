"""``weft inventory``: what the network is made of, who says so, what it was; and checking inventory files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from weft.cli.options import asking_options, client_of
from weft.errors import InvalidInput
from weft.model.inventory import ObjectKind, key_text

if TYPE_CHECKING:
    from weft.cli.client import ApiClient

_KINDS = click.Choice([kind.value for kind in ObjectKind])
_PAGE = 1000
#: What a list shows of each kind beside the key.
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "site": ("description", "country", "region", "kind"),
    "device": ("addresses", "site", "role", "vendor", "model", "os_version"),
    "interface": ("if_index", "description", "speed_bps", "boundary", "provider", "circuit"),
    "link": ("capacity_bps", "provider", "circuit", "delay_ms"),
    "provider": ("asn", "contact"), "circuit": ("provider", "capacity_bps", "cost_per_month", "currency", "ends"),
    "service": ("owner", "tier", "prefixes"), "customer": ("tier", "prefixes"),
    "prefix": ("site", "service", "customer", "role"),
    "vpc": ("name", "provider", "account", "region", "prefixes"), "subnet": ("name", "vpc", "zone", "prefixes"),
    "instance": ("name", "vpc", "zone", "size", "state"), "nic": ("instance", "addresses", "vpc", "zone"),
    "gateway": ("kind", "vpc", "peer_vpc", "state"), "route_table": ("vpc", "routes"),
    "security_group": ("name", "vpc", "rules"),
}  # fmt: skip
#: Sections of an inventory file, and attributes that are called otherwise there.
_SECTIONS = {
    "site": "sites", "provider": "providers", "circuit": "circuits", "service": "services", "customer": "customers",
    "prefix": "prefixes",
}  # fmt: skip
_FILE_NAMES = {"speed_bps": "speed", "capacity_bps": "capacity", "commit_bps": "commit"}


@click.group("inventory")
def inventory_command() -> None:
    """Show what the network is made of, and check inventory files.

    All but `check` ask a running Weft with the token in WEFT_TOKEN; on its own machine none is needed.
    """


@inventory_command.command("list")
@click.argument("kind", type=_KINDS, default="device")
@click.option("--search", "-s", default="", help="Words that must all occur.")
@click.option("--site", default="", help="Only of that site.")
@click.option("--role", default="", help="Only of that role.")
@click.option("--tag", default="", help="Only with that tag.")
@click.option("--origin", default="", help="Only what that source knows: file, netbox, snmp, lldp …")
@click.option("--at", default="", metavar="TIME", help="As it was then: now-6h, ISO 8601, UTC seconds.")
@click.option("--limit", default=200, show_default=True, type=click.IntRange(1, 1_000_000), help="Most objects shown.")
@asking_options
def list_command(kind: str, limit: int, config_file: Path | None, url: str | None, as_json: bool, **asked: str) -> None:
    """List objects of a kind."""
    client = client_of(config_file, url)
    found: list[Any] = []
    total = 1
    while len(found) < min(limit, total):
        page = client.get(
            f"/inventory/{kind}", offset=str(len(found)), limit=str(min(_PAGE, limit - len(found))), **asked
        )
        total = page["total"]
        if not page["objects"]:
            break
        found += page["objects"]
    if as_json:
        click.echo(json.dumps({"kind": kind, "total": total if found else 0, "objects": found}))
        return
    for line in _table(kind, found):
        click.echo(line)
    if len(found) < total and found:
        click.echo(f"{total - len(found)} more; see --limit and --search.", err=True)
    if not found:
        click.echo(f"No {kind} matches.", err=True)


@inventory_command.command("show")
@click.argument("kind", type=_KINDS)
@click.argument("name", nargs=-1, required=True)
@click.option("--at", default="", metavar="TIME", help="As it was then: now-6h, ISO 8601, UTC seconds.")
@asking_options
def show_command(
    kind: str, name: tuple[str, ...], at: str, config_file: Path | None, url: str | None, as_json: bool
) -> None:
    """Show an object: each attribute, who says so, and who says otherwise.

    An interface is named by device and interface, a link by both its ends.
    """
    view = client_of(config_file, url).get(f"/inventory/{kind}/{_path(name)}", at=at)
    if as_json:
        click.echo(json.dumps(view))
        return
    click.echo(f"{kind} {' '.join(filter(None, view['key']))}")
    click.echo(
        f"known to {', '.join(view['origins'])}; since {_time(view['first_seen'])}, last {_time(view['last_seen'])}"
    )
    width = max((len(one["name"]) for one in view["attributes"]), default=0)
    for one in view["attributes"]:
        click.echo(f"  {one['name']:{width}}  {_shown(one['value'])}  [{one['origin']}]")
        for other in one["others"]:
            click.echo(f"  {'':{width}}  ≠ {_shown(other['value'])}  [{other['origin']}]")
    for conflict in view["conflicts"]:
        click.echo(f"! {conflict['text']}")


@inventory_command.command("history")
@click.argument("kind", type=_KINDS)
@click.argument("name", nargs=-1, required=True)
@asking_options
def history_command(kind: str, name: tuple[str, ...], config_file: Path | None, url: str | None, as_json: bool) -> None:
    """Show what sources said of an object and when, newest first; also of one that is gone."""
    view = client_of(config_file, url).get(f"/inventory/{kind}/{_path(name)}/history")
    if as_json:
        click.echo(json.dumps(view))
        return
    for entry in view["entries"]:
        click.echo(f"{_time(entry['time'])}  {entry['what']:9}  {entry['origin']} ({entry['scope']})")
        for change in entry["attributes"]:
            before = "" if entry["what"] == "stated" else f"{_shown(change['before'])} → "
            after = "" if entry["what"] == "withdrawn" else _shown(change["after"])
            click.echo(f"    {change['name']}: {before}{after}".rstrip(" →"))


@inventory_command.command("check")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def check_command(files: tuple[Path, ...], as_json: bool) -> None:
    """Say whether inventory files are understood; exit code 2 where one is not. Nothing is stored."""
    from weft.collect.inventory.yamlfile import load_file

    results: list[dict[str, Any]] = []
    for path in files:
        try:
            loaded = load_file(path)
        except InvalidInput as error:
            found = {"where": error.where, "message": error.what, "fix": error.fix}
            results.append({"file": str(path), "ok": False, "error": found})
            if not as_json:
                click.echo(f"✗ {error.message}")
            continue
        results.append({"file": str(path), "ok": True, "counts": loaded.counts, "warnings": list(loaded.warnings)})
        if not as_json:
            counts = ", ".join(f"{count} {kind}" for kind, count in loaded.counts.items()) or "nothing"
            click.echo(f"✓ {path}: {counts}")
            for warning in loaded.warnings:
                click.echo(f"  {warning}")
    if as_json:
        click.echo(json.dumps(results))
    if not all(result["ok"] for result in results):
        raise click.exceptions.Exit(2)


@inventory_command.command("export")
@click.option("--origin", default="", help="Only what that source knows.")
@click.option("--at", default="", metavar="TIME", help="As it was then.")
@asking_options
def export_command(origin: str, at: str, config_file: Path | None, url: str | None, as_json: bool) -> None:
    """Print the inventory as an inventory file (YAML), attributes in force; --json: every object with its key.

    A start for keeping by hand what was discovered.
    """
    import yaml

    client = client_of(config_file, url)
    objects = {kind.value: list(_all(client, kind.value, origin, at)) for kind in ObjectKind}
    if as_json:
        click.echo(json.dumps(objects))
        return
    click.echo(yaml.safe_dump(as_file(objects), sort_keys=False, allow_unicode=True), nl=False)


def _all(client: ApiClient, kind: str, origin: str, at: str) -> Iterator[Mapping[str, Any]]:
    offset = 0
    while True:
        page = client.get(f"/inventory/{kind}", offset=str(offset), limit=str(_PAGE), origin=origin, at=at)
        yield from page["objects"]
        offset += len(page["objects"])
        if not page["objects"] or offset >= page["total"]:
            return


def as_file(objects: Mapping[str, list[Mapping[str, Any]]]) -> dict[str, Any]:
    """Objects of the API as the content of an inventory file."""
    from weft.collect.inventory.schema import DeviceEntry, InterfaceEntry, InventoryFile, LinkEntry

    ports: dict[str, list[Any]] = {}
    for one in objects.get("interface", ()):
        entry = _entry(one, InterfaceEntry, name=one["key"][1])
        ports.setdefault(one["key"][0], []).append(entry)
    content: dict[str, Any] = {}
    for kind, section in _SECTIONS.items():
        model = InventoryFile.model_fields[section].annotation.__args__[0]  # type: ignore[union-attr]
        key = "prefix" if kind == "prefix" else "name"
        content[section] = [_entry(one, model, **{key: one["key"][0]}) for one in objects.get(kind, ())]
    content["devices"] = [
        _entry(one, DeviceEntry, name=one["key"][0])
        | ({"interfaces": ports[one["key"][0]]} if one["key"][0] in ports else {})
        for one in objects.get("device", ())
    ]
    content["links"] = [
        _entry(one, LinkEntry, a=_end(one["key"][:2]), b=_end(one["key"][2:])) for one in objects.get("link", ())
    ]
    return {section: entries for section, entries in content.items() if entries}


def _end(end: list[str]) -> str | dict[str, str]:
    return {"device": end[0], "interface": end[1]} if " " in end[0] else " ".join(filter(None, end))


def _entry(one: Mapping[str, Any], model: Any, **key: Any) -> dict[str, Any]:
    """An object as an entry of a file: attributes that the file has no word for go under ``attributes``."""
    entry: dict[str, Any] = dict(key)
    own: dict[str, str] = {}
    for name, value in one["attributes"].items():
        word = _FILE_NAMES.get(name, name)
        if word in entry or word in {"name", "prefix", "a_device", "a_interface", "b_device", "b_interface"}:
            continue
        if word in model.model_fields and word != "attributes":
            entry[word] = value
        elif isinstance(value, str | int | float):
            own[name] = str(value)
    return entry | ({"attributes": own} if own else {})


def _path(name: tuple[str, ...]) -> str:
    """What was typed as a part of a URL: an id or a name as it is, several words as the parts of a key."""
    return quote(name[0] if len(name) == 1 else key_text(name), safe="/:")


def _table(kind: str, objects: list[Any]) -> Iterator[str]:
    columns = _COLUMNS[kind]
    rows = [
        [" ".join(filter(None, one["key"])), *(_shown(one["attributes"].get(name, "")) for name in columns),
         ",".join(one["origins"])]
        for one in objects
    ]  # fmt: skip
    head = [kind, *columns, "known to"]
    if not rows:
        return
    widths = [min(48, max(len(row[i]) for row in [head, *rows])) for i in range(len(head))]
    for row in [head, *rows]:
        yield "  ".join(_cut(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _cut(text: str, width: int) -> str:
    return f"{text if len(text) <= width else text[: width - 1] + '…':{width}}"


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
