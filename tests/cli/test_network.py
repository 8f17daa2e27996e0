"""``weft network``: what it asks of the API or works out from files, and how it shows the answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.network.test_files import TOWNS

from weft.api.models.network import PathAsked, WhatIfAsked
from weft.api.network import NetworkPages
from weft.cli import weft
from weft.cli.network_changes import Rate
from weft.network.files import read_source


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "towns.yaml"
    path.write_text(TOWNS.replace(", overloaded: true", ""))
    return path


def run(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(weft, ["network", *words], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


def test_paths_from_a_file(file: Path) -> None:
    text = run("path", "ams", "198.51.100.7", "--topology", str(file))
    assert [line.split()[0] for line in text.splitlines()[1:5]] == ["ams", "chi", "nyc", "AS64501"]
    assert "out by nyc--AS64501" in text
    assert "Others decide where answers come in" in text
    under = run("path", "chi", "nyc", "--topology", str(file), "--fail", "chi -- nyc", "--add-link", "ams", "nyc", "1G",
                "3")  # fmt: skip
    assert "usually:" in under
    assert under.split("then:")[1].split()[0] == "chi"
    assert "no way from chi to nyc" in run("path", "chi", "nyc", "--topology", str(file), "--fail", "chi--nyc", code=1)


def test_what_if_from_a_file(file: Path) -> None:
    text = run("what-if", "--topology", str(file), "--fail-srlg", "east", "--scale", "2", code=1)
    assert "if all of risk group east fails" in text
    assert "if traffic × 2" in text
    assert "lost: ams → web 200 Mbit/s: no way from ams to web" in text
    assert "nyc cut off from the other 2 nodes" in text
    view = json.loads(run("what-if", "--topology", str(file), "--json", "--set-metric", "sea", "3", "--withdraw", "web",
                          "--add-demand", "nyc", "chi", "100M", "--set-capacity", "sea", "40G", "--scale-from", "chi",
                          "2", "--scale-to", "ams", "1.5", "--overload", "ams", code=1))  # fmt: skip
    assert view["changes"] == [
        "ams is overloaded", "100 Mbit/s more from nyc to chi", "traffic from chi × 2", "traffic to ams × 1.5",
        "sea has 40 Gbit/s", "sea has metric 3", "withdrawn: web",
    ]  # fmt: skip
    calm = run("what-if", "--topology", str(file), "--maintenance-link", "chi--nyc:2")
    assert "drained first" in calm


def test_lists_from_a_file(file: Path) -> None:
    assert "chi → ams" in run("load", "--topology", str(file))
    assert "west → ams" in run("demands", "--topology", str(file))
    assert "100% arrives" in run("demands", "--topology", str(file), "--by", "pair")
    text = run("failures", "--topology", str(file))
    assert text.splitlines()[0].startswith("chi – ams")
    assert "loses 1.7 Gbit/s" in text
    assert json.loads(run("failures", "--topology", str(file), "--kind", "node", "--json"))["count"] == 3


def test_a_running_weft_is_asked_the_same(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = read_source(file)
    pages = NetworkPages(lambda: source)
    asked: list[str] = []

    class Client:
        def __init__(self, *_: Any) -> None: ...

        def get(self, path: str, **given: str) -> Any:
            asked.append(path)
            limit, at = int(given["limit"]), given["at"]
            view: Any = {
                "/network/load": lambda: pages.load(at, limit),
                "/network/demands": lambda: pages.demands(at, given["by"], limit),  # type: ignore[arg-type]
                "/network/failures": lambda: pages.failures(at, given["kind"], float(given["threshold"]), limit),  # type: ignore[arg-type]
            }[path]()
            return json.loads(view.model_dump_json())

        def post(self, path: str, body: Any) -> Any:
            asked.append(path)
            if path == "/network/path":
                return json.loads(pages.path(PathAsked.model_validate(body)).model_dump_json())
            return json.loads(pages.what_if(WhatIfAsked.model_validate(body)).model_dump_json())

    monkeypatch.setattr("weft.cli.client.ApiClient", Client)
    for words in (("path", "chi", "ams"), ("load",), ("demands",), ("failures",), ("what-if", "--scale", "0.5")):
        live, own = run(*words), run(*words, "--topology", str(file))
        assert [line for line in live.splitlines() if " ms;" not in line] == [
            line for line in own.splitlines() if " ms;" not in line
        ]
    assert asked == ["/network/path", "/network/load", "/network/demands", "/network/failures", "/network/what-if"]


def test_wrong_words_are_refused(file: Path) -> None:
    for words in (("what-if",), ("load", "--demands", str(file)), ("what-if", "--add-demand", "a", "b", "fast")):
        result = CliRunner().invoke(weft, ["network", *words])
        assert result.exit_code == 2, result.output
    assert Rate().convert("2.5Gbit/s", None, None) == 2.5e9
