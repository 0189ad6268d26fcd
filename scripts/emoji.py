"""What the web client needs of emojibase-data: emoji by group, with words to find them.

The names of the groups are not among it: the client's own catalogues say them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PACKAGE = "emojibase-data"
LANGUAGES = ("en", "ru")
# What came later is missing in the fonts of many systems that are in use.
_NEWEST = 15.1
# Skins and hair by themselves, which are of no use but in others.
_LEFT_OUT = "component"


def read(package: Path, language: str) -> list[dict[str, Any]]:
    """The groups in their order: {"name": …, "emoji": [{"text", "label", …}]}."""
    codes = _load(package / "en" / "shortcodes" / "github.json")
    told = _load(package / language / "data.json")
    groups = _load(package / language / "messages.json")["groups"]
    return [
        {"name": group["key"], "emoji": _members(told, group["order"], codes)}
        for group in sorted(groups, key=lambda group: group["order"])
        if group["key"] != _LEFT_OUT
    ]


def _members(
    told: list[dict[str, Any]], group: int, codes: dict[str, Any]
) -> list[dict[str, Any]]:
    members = (e for e in told if e.get("group") == group and e["version"] <= _NEWEST)
    return [_emoji(e, codes) for e in sorted(members, key=lambda e: e["order"])]


def _emoji(told: dict[str, Any], codes: dict[str, Any]) -> dict[str, Any]:
    named = codes.get(told["hexcode"], [])
    emoji: dict[str, Any] = {
        "text": told["emoji"],
        "label": told["label"],
        "words": told.get("tags", []),
        "codes": [named] if isinstance(named, str) else named,
        # Of couples, whose skins may differ, those with one skin for both.
        "skins": [s["emoji"] for s in told.get("skins", ()) if _is_one(s["tone"])],
    }
    return {name: value for name, value in emoji.items() if value}


def _is_one(tone: Any) -> bool:
    return isinstance(tone, int)


def _load(path: Path) -> Any:
    return json.loads(path.read_text())
