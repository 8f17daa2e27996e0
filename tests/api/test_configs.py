"""Configurations over the API: versions, texts, differences, for everybody who may look."""

import dataclasses

import pytest

from weft.collect.configs import ConfigHistory


@pytest.fixture
def deps(deps, tmp_path):
    history = ConfigHistory(tmp_path / "configs" / "devices")
    for i in range(3):
        text = f"hostname r1\ninterface e0\n mtu {1500 + i}\n"
        history.add(
            "fra/r1", text, at=1_790_000_000.0 + i, source="ssh", author="ada", also=("10.0.0.1",), platform="ios"
        )
    return dataclasses.replace(deps, configs=history)


def test_versions_newest_first(as_role):
    client = as_role("viewer")
    assert client.get("/api/v1/configs").json() == ["fra/r1"]
    for name in ("fra/r1", "10.0.0.1"):
        body = client.get(f"/api/v1/devices/{name}/configs").json()
        assert [one["number"] for one in body["versions"]] == [3, 2, 1]
        first = body["versions"][0]
        assert (first["author"], first["added"], first["sections"], first["platform"]) == (
            "ada",
            1,
            ["interface e0"],
            "ios",
        )
    assert client.get("/api/v1/devices/unknown/configs").json()["versions"] == []


def test_a_version_with_its_text(as_role):
    body = as_role("viewer").get("/api/v1/devices/fra/r1/configs/2").json()
    assert (body["device"], body["number"], body["text"]) == ("fra/r1", 2, "hostname r1\ninterface e0\n mtu 1501\n")


@pytest.mark.parametrize(("query", "old", "line"), [("", 2, "- mtu 1501"), ("?against=1", 1, "- mtu 1500")])
def test_differences(as_role, query, old, line):
    body = as_role("viewer").get(f"/api/v1/devices/fra/r1/configs/3/diff{query}").json()
    assert (body["old"], body["new"], body["added"], body["removed"]) == (old, 3, 1, 1)
    assert line in body["diff"]
    assert body["sections"] == ["interface e0"]


@pytest.mark.parametrize(
    ("path", "status"),
    [("fra/r1/configs/9", 404), ("fra/r1/configs/9/diff", 404), ("fra/r1/configs/3/diff?against=8", 404),
     ("fra/r1/configs/1/diff", 400), ("fra/r1/configs/0", 400), ("nobody/configs/1", 404)],
)  # fmt: skip
def test_what_is_not_there(as_role, path, status):
    answer = as_role("viewer").get(f"/api/v1/devices/{path}")
    assert (answer.status_code, bool(answer.json()["error"]["message"])) == (status, True)
