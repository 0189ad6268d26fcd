"""Polls: a question with options in a chat, one vote each, counted live.

A poll is a message event, a vote is another that names it; so both are signed, synced
and readable by every bot. The server refuses votes that make no sense; what the votes
add up to, every client folds for itself.
"""

from __future__ import annotations

from chatproto.module import Module
from chatproto_polls.events import EVENTS
from chatproto_polls.handlers import HANDLERS, RULES
from chatproto_polls.operations import OPERATIONS
from chatproto_polls.tally import REDUCERS

MODULE = Module(
    name="org.example.polls",
    events=EVENTS,
    operations=OPERATIONS,
    handlers=HANDLERS,
    rules=RULES,
    reducers=REDUCERS,
)
