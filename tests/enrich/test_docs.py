"""What docs/enrichment.md shows works as it says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from weft.enrich.config import EnrichConfig
from weft.enrich.enricher import Enricher
from weft.enrich.tables import (
    load_applications,
    load_asns,
    load_exporters,
    load_interface_rules,
    load_interfaces,
    load_prefixes,
)
from weft.errors import InvalidInput
from weft.model.exporters import InterfaceFact

PAGE = (Path(__file__).parents[2] / "docs" / "enrichment.md").read_text(encoding="utf-8")


def blocks() -> list[tuple[str, str, str]]:
    """File name (where the paragraph before begins with one), kind and text of each block."""
    parts, found = PAGE.split("```"), []
    for before, block in zip(parts[::2], parts[1::2], strict=False):
        name = re.match(r"`(\w+\.\w+)`", before.strip().rsplit("\n\n", 1)[-1])
        kind, text = block.split("\n", 1)
        found.append((name[1] if name else "", kind, text))
    return found


BLOCKS = blocks()


def files(folder: Path) -> dict[str, Path]:
    found = {}
    for name, _, text in BLOCKS:
        if name:
            found[name] = folder / name
            found[name].write_text(text, encoding="utf-8")
    return found


def sections() -> list[EnrichConfig]:
    texts = [text for _, kind, text in BLOCKS if kind == "yaml" and text.startswith("enrich:")]
    return [EnrichConfig.model_validate(yaml.safe_load(text)["enrich"]) for text in texts]


def test_the_tables_are_read_without_complaint(tmp_path: Path) -> None:
    found = files(tmp_path)
    assert set(found) == {
        "networks.csv",
        "cloud.yaml",
        "asns.csv",
        "applications.csv",
        "exporters.csv",
        "interfaces.csv",
    }
    reports = [
        load_prefixes(found["networks.csv"], 100)[1],
        load_prefixes(found["cloud.yaml"], 100)[1],
        load_asns(found["asns.csv"])[1],
        load_applications(found["applications.csv"])[1],
        load_exporters(found["exporters.csv"])[1],
        load_interfaces(found["interfaces.csv"])[1],
    ]
    assert [(report.skipped, report.problems) for report in reports] == [(0, [])] * 6


def test_the_settings_are_valid() -> None:
    assert len(sections()) >= 5
    for line in re.findall(r"^\| `(\[.*?\])`", PAGE, re.MULTILINE):
        EnrichConfig.model_validate({"as_from": yaml.safe_load(line)})


def test_addresses_get_what_the_page_says(tmp_path: Path) -> None:
    found = files(tmp_path)
    target = Enricher(EnrichConfig.model_validate({"prefixes": [found["networks.csv"], found["cloud.yaml"]]}))
    shown = next(json.loads(text) for _, kind, text in BLOCKS if kind == "json")
    explanation = target.explain(shown["address"])
    assert [
        {"column": f.column, "value": f.value, "table": f.table, "prefix": f.prefix} for f in explanation.columns
    ] == shown["columns"]
    assert {f.column: f.value for f in target.explain("10.20.4.1").columns} == {"site": "zurich", "customer": "Globex"}
    assert {f.column: f.value for f in target.explain("203.0.113.1").columns}["country"] == "NO"


def test_the_rules_classify_as_the_page_says() -> None:
    rules = next(config for config in sections() if config.interface_rules)
    row = Enricher(rules).classify(InterfaceFact("192.0.2.1", 7, "et-0/0/7", "Transit: Lumen 10G"))
    assert (row["boundary"], row["provider"], row["connectivity"]) == ("external", "Lumen", "transit")
    row = Enricher(rules).classify(InterfaceFact("192.0.2.1", 8, "et-0/0/8", "Core: gva"))
    assert (row["boundary"], row["connectivity"]) == ("internal", "core")


def test_the_complaint_reads_as_shown(tmp_path: Path) -> None:
    path = tmp_path / "networks.csv"
    path.write_text("prefix\n" + "10.0.0.0/8\n" * 5 + "10.20.3.1/24\n")
    _, report = load_prefixes(path, 100)
    shown = next(text.strip() for _, kind, text in BLOCKS if kind == "text")
    assert [problem.removeprefix(f"{tmp_path}/") for problem in report.problems] == [shown]


def test_rule_files_have_the_same_names(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    rules = next(text for _, kind, text in BLOCKS if "interface_rules:" in text)
    path.write_text(rules.split("interface_rules:\n")[1])
    loaded, report = load_interface_rules(path)
    assert (len(loaded), report.skipped) == (4, 0)
    with pytest.raises(InvalidInput):
        load_interface_rules(tmp_path / "absent.yaml")
