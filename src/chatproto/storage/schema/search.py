"""The full-text index of messages, room names and topics."""

from __future__ import annotations

from chatproto.ports import Migration

# As storage/search_text.py folds what is new.
_FOLDED = """replace(replace(replace(replace(text, 'ё', 'е'), 'Ё', 'Е'),
'и' || char(774), 'й'), 'И' || char(774), 'Й')"""
_PATH = """case type when 'm.room.name' then '$.content.name'
when 'm.room.topic' then '$.content.topic'
else case when rel_type = 'm.replace' then '$.content."m.new_content".body'
  else '$.content.body' end end"""

MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        6,
        "the full-text index",
        (
            """create virtual table search_texts using fts5(
                text, tokenize = "unicode61 remove_diacritics 2")""",
            f"""insert into search_texts (rowid, text)
            select pos, {_FOLDED} from (
                select pos, json_extract(json, path) as text from (
                    select pos, json, {_PATH} as path from events
                    where redacted_by is null
                    and type in ('m.room.message', 'm.room.name', 'm.room.topic'))
                where json_type(json, path) = 'text')
            where text <> ''""",  # noqa: S608  # constants
        ),
    ),
)
