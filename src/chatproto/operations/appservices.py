"""Application services and guests."""

from __future__ import annotations

from chatproto.operations.declare import Operation

OPERATIONS: tuple[Operation, ...] = ()
