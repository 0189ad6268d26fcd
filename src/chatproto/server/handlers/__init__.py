"""The behaviour of every operation: one function each, none calls another."""

from __future__ import annotations

from chatproto.decisions import Handler
from chatproto.server.handlers import (
    account_data,
    accounts,
    credentials,
    devices,
    direct,
    directory,
    discovery,
    forward,
    history,
    membership,
    messages,
    profiles,
    receipts,
    refreshing,
    registration,
    rooms,
    sync,
)

HANDLERS: tuple[Handler, ...] = (
    discovery.HANDLERS
    + accounts.HANDLERS
    + registration.HANDLERS
    + refreshing.HANDLERS
    + credentials.HANDLERS
    + devices.HANDLERS
    + profiles.HANDLERS
    + rooms.HANDLERS
    + direct.HANDLERS
    + membership.HANDLERS
    + directory.HANDLERS
    + messages.HANDLERS
    + forward.HANDLERS
    + history.HANDLERS
    + receipts.HANDLERS
    + account_data.HANDLERS
    + sync.HANDLERS
)
