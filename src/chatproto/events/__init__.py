"""Event types, one family to a file, gathered here by name."""

from __future__ import annotations

from chatproto.events import account_data, ephemeral, room_message, room_state
from chatproto.events.registry import Registry

EVENT_TYPES = (
    room_state.EVENTS + room_message.EVENTS + ephemeral.EVENTS + account_data.EVENTS
)

DEFAULT_REGISTRY = Registry(EVENT_TYPES)
