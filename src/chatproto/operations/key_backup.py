"""Backups of keys, encrypted by clients."""

from __future__ import annotations

from chatproto.operations.declare import Operation

OPERATIONS: tuple[Operation, ...] = ()
