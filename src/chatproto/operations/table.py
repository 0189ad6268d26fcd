"""The table of all operations that every server of this library offers."""

from __future__ import annotations

from chatproto.operations import (
    account_data,
    accounts,
    appservices,
    discovery,
    key_backup,
    keys,
    media,
    messages,
    profiles,
    push,
    receipts,
    reports,
    rooms,
    search,
    sliding_sync,
    spaces,
    sync,
    thirdparty,
    upgrades,
    voip,
)
from chatproto.operations.declare import OperationTable

OPERATIONS = OperationTable(
    discovery.OPERATIONS
    + accounts.OPERATIONS
    + profiles.OPERATIONS
    + rooms.OPERATIONS
    + messages.OPERATIONS
    + receipts.OPERATIONS
    + account_data.OPERATIONS
    + sync.OPERATIONS
    + media.OPERATIONS
    + push.OPERATIONS
    + search.OPERATIONS
    + reports.OPERATIONS
    + upgrades.OPERATIONS
    + spaces.OPERATIONS
    + thirdparty.OPERATIONS
    + voip.OPERATIONS
    + keys.OPERATIONS
    + key_backup.OPERATIONS
    + sliding_sync.OPERATIONS
    + appservices.OPERATIONS,
)
