"""What the documentation says of settings, modules and reasons is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from weft.collect import ledger
from weft.collect.kernels import Reason as Dropped
from weft.config import Settings
from weft.decode.flow.reasons import REASON_NAMES

ROOT = Path(__file__).parents[1]
DOCS = sorted((ROOT / "docs").glob("*.md"))


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_settings_shown_are_accepted(path: Path) -> None:
    for text in re.findall(r"```yaml\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL):
        values = yaml.safe_load(text)
        if isinstance(values, dict) and set(values) & set(Settings.model_fields):
            Settings.model_validate(values)


def test_the_modules_of_a_flow_exist() -> None:
    text = page("life-of-a-flow.md")
    names = set(re.findall(r"`([\w/]+\.py|[\w/]+/)`", text)) - {"src/weft/"}
    source = ROOT / "src/weft"
    missing = [
        n for n in names if not any((base / n).exists() for base in (source, source / "decode/flow", source / "enrich"))
    ]
    assert (missing, len(names) > 25) == ([], True)


def test_every_reason_for_loss_is_explained() -> None:
    text = page("troubleshooting.md")
    explained = set(re.findall(r"`([a-z_]+)`", text))
    reasons = {*REASON_NAMES, *(reason.name.lower() for reason in Dropped)}
    reasons |= {ledger.SPOOL_FULL, ledger.DISK, ledger.REJECTED, ledger.ENRICH}
    assert reasons - explained == set()


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_links_within_the_documentation_hold(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+\.md)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (path.parent / target).exists(), target
