"""Recipes as tests write them."""

from __future__ import annotations

from typing import Any

from train.core.config import validated
from train.core.recipe import Recipe
from train.stages.registry import recipe_type


def make_recipe(**settings: Any) -> Recipe:
    """A recipe of settings as a YAML file has them; raises SettingError for one that cannot be."""
    return validated(recipe_type(), settings)
