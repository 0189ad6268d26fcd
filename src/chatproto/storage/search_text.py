"""Which text of an event is found by a search, and how a query is put."""

from __future__ import annotations

from chatproto.canonical import JsonObject, object_of

# By the type of the event, the name of its text in its content.
TEXT_OF = {"m.room.message": "body", "m.room.name": "name", "m.room.topic": "topic"}

MAX_WORDS = 12
MAX_WORD = 100  # characters

# SQLite's unicode61 parts neither ё from е nor knows и with a breve as й, and a text
# ends for SQLite's JSON at U+0000. The migration does the same in SQL.
_FOLDS = (
    ("ё", "е"),
    ("Ё", "Е"),
    ("и\u0306", "й"),
    ("И\u0306", "Й"),
    ("\0", " "),
)


def searchable(
    event_type: str, content: JsonObject, rel_type: str | None
) -> str | None:
    """The text by which an event is found; an edit's is what it puts in place."""
    name = TEXT_OF.get(event_type)
    if name is None:
        return None
    if rel_type == "m.replace":
        content = object_of(content.get("m.new_content"))
    text = content.get(name)
    return folded(text) if isinstance(text, str) and text else None


def folded(text: str) -> str:
    """A text with what the index takes for the same letter made the same."""
    if text.isascii() and "\0" not in text:
        return text
    for written, meant in _FOLDS:
        text = text.replace(written, meant)
    return text


def match_of(term: str) -> str | None:
    """The FTS5 expression for the words of a text, the last by its beginning.

    Each word is quoted, so that nothing in it is taken for an operator. Of a long text
    the first words are looked for: each word more has to be counted in every message.
    None if there is no word in it.
    """
    words = [word for word in folded(term).split() if any(map(str.isalnum, word))]
    if not words:
        return None
    last = words[-1]
    once = {word.lower(): word for word in reversed(words)}  # SQLite folds by itself
    once.pop(last.lower())
    parts = list(once.values())[::-1]
    phrases = [_phrase(word, whole=True) for word in parts[: MAX_WORDS - 1]]
    return " ".join((*phrases, _phrase(last, whole=False)))


def _phrase(word: str, *, whole: bool) -> str:
    quoted = word[:MAX_WORD].replace('"', " ")
    return f'"{quoted}"' if whole and len(word) <= MAX_WORD else f'"{quoted}" *'
