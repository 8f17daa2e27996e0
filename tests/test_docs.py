"""Documentation that can go stale is checked: generated pages, operations, commands, links."""

import importlib.util
import re
from pathlib import Path

import click
import pytest

from weft.cli import VERBS, weft

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


@pytest.mark.parametrize("script", ["gen_docs", "gen_openapi"])
def test_generated_files_are_up_to_date(script, capsys):
    spec = importlib.util.spec_from_file_location(script, ROOT / "scripts" / f"{script}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.main(["--check"]) == 0, capsys.readouterr().err


def test_every_operation_is_described():
    import json

    text = (ROOT / "docs/api.md").read_text()
    document = json.loads((ROOT / "frontend/src/api/openapi.json").read_text())
    described = re.sub(r"\{[a-z_]+\}", "{id}", text)
    for path, methods in document["paths"].items():
        short = re.sub(r"\{[a-z_]+\}", "{id}", path.removeprefix("/api/v1/"))
        assert short in described, f"docs/api.md says nothing of {path}"
        for operation in methods.values():
            assert operation["operationId"]
            assert operation["summary"]
            assert operation["description"], operation["operationId"]


def commands(group, name):
    context = click.Context(group, info_name=name)
    for verb in VERBS if group is weft else group.list_commands(context):
        command = group.get_command(context, verb)
        yield f"{name} {verb}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} {verb}")


def test_every_command_and_option_says_what_it_does():
    for name, command in commands(weft, "weft"):
        assert command.help, f"{name} has no help"
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{name} {parameter.opts[0]} has no help"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_within_the_repository_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
