"""Event types, one family to a file, gathered here by name."""

from __future__ import annotations

from chatproto.events import (
    account_data,
    presence,
    reaction,
    receipt,
    redaction,
    room_message,
    room_state,
    to_device,
    typing,
)
from chatproto.events.registry import Registry

EVENT_TYPES = (
    room_state.EVENTS
    + room_message.EVENTS
    + reaction.EVENTS
    + redaction.EVENTS
    + receipt.EVENTS
    + typing.EVENTS
    + presence.EVENTS
    + account_data.EVENTS
    + to_device.EVENTS
)

DEFAULT_REGISTRY = Registry(EVENT_TYPES)
