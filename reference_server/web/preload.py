"""What a page's script will ask for, so that the page can ask for it all at once."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator

# Only at the start of a line, where neither comments nor texts have one of them.
_STATIC_IMPORT = re.compile(
    r"""^(?:import|export)\b(?:[^"'();=]*?\bfrom)?\s*["'](\.[^"']+)["']""", re.MULTILINE
)


def modules(first: str, read: Callable[[str], str | None]) -> list[str]:
    """A module and all that it imports, directly or not, the nearest first.

    `read` gives the text of a module by its name, or None where there is none.
    """
    found: dict[str, None] = {}
    waiting = [first]
    for name in waiting:  # grows as it goes
        text = None if name in found else read(name)
        if text is not None:
            found[name] = None
            waiting += imported(name, text)
    return list(found)


def imported(name: str, text: str) -> Iterator[str]:
    """The names of the modules that a module's text imports from beside itself."""
    for match in _STATIC_IMPORT.finditer(text):
        yield posixpath.normpath(posixpath.join(posixpath.dirname(name), match[1]))


def with_links(page: str, addresses: list[str]) -> str:
    """The page with links at the end of its head that load modules early."""
    links = "".join(f'<link rel="modulepreload" href="{a}">\n' for a in addresses)
    return page.replace("</head>", f"{links}</head>", 1)
