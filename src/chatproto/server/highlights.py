"""Which words of what was found were looked for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from chatproto.canonical import JsonObject, object_of

MAX_HIGHLIGHTS = 50
_WORD = re.compile(r"\w+")


def highlights(term: str, events: Iterable[JsonObject]) -> tuple[str, ...]:
    """The words of events, as they are written there, that a search looked for.

    Clients mark them by comparing letters, so a word is named with the accents it has.
    """
    words = [_plain(word) for word in _WORD.findall(term)]
    if not words:
        return ()
    written = {word for event in events for word in _words_of(event)}
    matching = sorted(
        word
        for word in written
        if _plain(word) in words or _plain(word).startswith(words[-1])
    )
    return tuple(matching[:MAX_HIGHLIGHTS])


def _words_of(event: JsonObject) -> Iterator[str]:
    content = event["content"]
    edit = object_of(object_of(event["unsigned"].get("m.relations")).get("m.replace"))
    newest = object_of(object_of(edit.get("content")).get("m.new_content"))
    texts = (content.get(key) for key in ("body", "name", "topic"))
    for text in (*texts, newest.get("body")):
        if isinstance(text, str):
            yield from _WORD.findall(text)


def _plain(word: str) -> str:
    parts = unicodedata.normalize("NFKD", word.casefold())
    return "".join(part for part in parts if not unicodedata.combining(part))
