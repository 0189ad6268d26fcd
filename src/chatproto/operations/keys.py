"""Keys of devices and users, relayed: the server never decrypts."""

from __future__ import annotations

from chatproto.operations.declare import Operation

OPERATIONS: tuple[Operation, ...] = ()
