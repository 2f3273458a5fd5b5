"""The command that makes an artefact again.

recipe of a report --less what its file says--> key=value …, or the recipe itself where there is no such file
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any, Final

import tomli_w

from training.recipe import Recipe, load

RECIPES: Final = Path(__file__).parent / "recipes"


def again(recipe: Recipe) -> str:
    """Some lines of Markdown."""
    file = RECIPES / f"{recipe.name}.toml"
    data = " --data-dir DIR" if recipe.sets else ""
    if recipe.sets and file.is_file():
        words = ["python -m training train", f"training/recipes/{file.name}", *overrides(load(file), recipe)]
        return f"    {' '.join(words)}{data}"
    return (
        "No recipe file that comes along makes it. This one does, saved as RECIPE.toml:\n\n"
        + "".join(f"    {line}".rstrip() + "\n" for line in tomli_w.dumps(recipe.told()).splitlines())
        + f"\nand then\n\n    python -m training train RECIPE.toml{data}"
    )


def overrides(before: Recipe, after: Recipe) -> list[str]:
    """The `key=value`, quoted for a shell, that make the second recipe of the first."""
    found = []
    old = before.to_dict()
    for name, value in after.to_dict().items():
        if isinstance(value, dict) and old[name].keys() <= value.keys():
            found += [f"{name}.{i}={_toml(v)}" for i, v in value.items() if i not in old[name] or v != old[name][i]]
        elif value != old[name]:
            # An override adds to a table, so one that is to lose something is given whole.
            found.append(f"{name}={_toml(value)}")
    return [shlex.quote(word) for word in found]


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)} = {_toml(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False)
