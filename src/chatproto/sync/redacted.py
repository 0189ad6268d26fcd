"""What is left of an event once it has been redacted."""

from __future__ import annotations

from chatproto.canonical import JsonObject
from chatproto.events.redaction import RULES_V11, redact
from chatproto.sync.fields import content_of


def redacted(event: JsonObject) -> JsonObject:
    """An event in client format without what a redaction takes away."""
    whole = {**event, "content": content_of(event)}
    return {**event, "content": redact(whole, RULES_V11)["content"]}
