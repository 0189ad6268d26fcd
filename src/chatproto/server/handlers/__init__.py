"""The behaviour of every operation: one function each, none calls another."""

from __future__ import annotations

from chatproto.decisions import Handler
from chatproto.server.handlers import (
    account_data,
    accounts,
    appservices,
    at_time,
    credentials,
    cross_signing,
    devices,
    direct,
    directory,
    discovery,
    forward,
    hierarchy,
    history,
    key_backup,
    keys,
    login_tokens,
    media,
    membership,
    messages,
    profiles,
    push_rules,
    pushers,
    receipts,
    refreshing,
    registration,
    reports,
    rooms,
    search,
    sliding_sync,
    sync,
    thirdparty,
    upgrades,
    voip,
)

HANDLERS: tuple[Handler, ...] = (
    discovery.HANDLERS
    + accounts.HANDLERS
    + registration.HANDLERS
    + refreshing.HANDLERS
    + credentials.HANDLERS
    + login_tokens.HANDLERS
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
    + keys.HANDLERS
    + cross_signing.HANDLERS
    + key_backup.HANDLERS
    + push_rules.HANDLERS
    + pushers.HANDLERS
    + search.HANDLERS
    + at_time.HANDLERS
    + reports.HANDLERS
    + media.HANDLERS
    + upgrades.HANDLERS
    + hierarchy.HANDLERS
    + thirdparty.HANDLERS
    + voip.HANDLERS
    + sliding_sync.HANDLERS
    + appservices.HANDLERS
)
