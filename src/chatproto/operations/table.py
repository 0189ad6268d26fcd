"""The table of all operations that every server of this library offers."""

from __future__ import annotations

from chatproto.operations import (
    account_data,
    accounts,
    discovery,
    media,
    messages,
    profiles,
    receipts,
    rooms,
    sync,
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
    + media.OPERATIONS,
)
