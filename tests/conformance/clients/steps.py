"""Takes the steps of a walk, and prints what became of each on a line of JSON."""

from __future__ import annotations

import asyncio
import io
import json
import os
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

from PIL import Image

SERVER = os.environ.get("SERVER", "")
PASSWORD = os.environ.get("PASSWORD", "")
# As long as anything may take that ought to happen at once.
SOON = 15


async def take(steps: dict[str, Any], *arguments: Any) -> None:
    """Every function called step_..., in the order in which they are written."""
    for name, step in steps.items():
        if name.startswith("step_"):
            await _one(name.removeprefix("step_"), step, arguments)


async def _one(
    name: str,
    step: Callable[..., Awaitable[None]],
    arguments: tuple[Any, ...],
) -> None:
    result: dict[str, Any] = {"step": name, "ok": True}
    try:
        async with asyncio.timeout(2 * SOON):
            await step(*arguments)
    except Exception:  # noqa: BLE001  # whatever it is, it is this step's result
        lines = traceback.format_exc().splitlines()
        result |= {"ok": False, "detail": "\n".join(lines[-12:])}
    print(json.dumps(result), flush=True)


def equal(seen: Any, expected: Any) -> None:
    assert seen == expected, f"{seen!r} where {expected!r} was expected"


def png(width: int, height: int) -> bytes:
    """A picture of one color."""
    file = io.BytesIO()
    Image.new("RGB", (width, height), (200, 30, 30)).save(file, "PNG")
    return file.getvalue()
