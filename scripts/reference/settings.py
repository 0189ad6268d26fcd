"""What an operator sets."""

from __future__ import annotations

import json
from typing import Any

import attrs

from chatproto.operations.codec import hints
from reference_server.cli import spelled
from reference_server.config import ENV_PREFIX, Config, options
from scripts.reference.markdown import code, default_of, table

_INTRO = """# Settings

Of `chatproto-server`. The command line wins over the environment, that over the file,
which `--config` or `CHATPROTO_CONFIG` names. A setting that takes several values is an
option to be repeated, a list in the file, and comma-separated in the environment; one that
is on or off is an option without a value, `true` or `false` in the file, and `1` or `0` in
the environment.
"""
_FILE = """## The file

With every default written out:

```toml
[chatproto]
{lines}
```
"""


def page() -> str:
    rows = [
        (
            code(spelled(o)),
            code(f"{ENV_PREFIX}{o.name.upper()}"),
            code(o.name),
            _kind(o),
            default_of(o) or "none",
            o.metadata["help"],
        )
        for o in options()
    ]
    head = ("option", "environment", "file", "type", "default", "what it sets")
    lines = "\n".join(f"{o.name} = {_toml(o)}" for o in options())
    return "\n".join([_INTRO, table(head, rows), _FILE.format(lines=lines)])


def _kind(setting: attrs.Attribute[Any]) -> str:
    names = {str: "text", int: "number", bool: "on or off", list[str]: "texts"}
    return names[hints(Config)[setting.name]]


def _toml(setting: attrs.Attribute[Any]) -> str:
    default = [] if isinstance(setting.default, attrs.Factory) else setting.default  # type: ignore[arg-type]
    return json.dumps(default)
