"""What the Sources page tells people to paste works, and what it tells them to read exists."""

import re
from pathlib import Path

import pytest
import yaml

from weft.api.recipes import RECIPES, SETTINGS
from weft.config import Settings

ROOT = Path(__file__).resolve().parents[2]
OURS = [recipe for recipe in RECIPES if recipe.where == SETTINGS]


@pytest.mark.parametrize("recipe", OURS, ids=[recipe.kind for recipe in OURS])
def test_settings_are_understood(recipe):
    Settings.model_validate(yaml.safe_load(recipe.text))


def test_every_recipe_is_of_its_own():
    assert len({(recipe.kind, recipe.where) for recipe in RECIPES}) == len(RECIPES)
    assert all(recipe.text.strip() for recipe in RECIPES)


def test_over_http(client, login):
    login()
    answer = client.get("/api/v1/sources/recipes").json()
    assert {one["kind"] for one in answer} == {recipe.kind for recipe in RECIPES}


def test_the_pages_it_names_exist():
    kinds = (ROOT / "frontend/src/features/sources/kinds.ts").read_text()
    pages = set(re.findall(r'docs: "([^"]+)"', kinds))
    assert len(pages) > 8
    assert [page for page in sorted(pages) if not (ROOT / page).exists()] == []
