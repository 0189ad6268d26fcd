"""What tests of programs on chatproto need: no server, no sockets, no waiting."""

from __future__ import annotations

from chatproto.testing.clock import FrozenClock, SeededRandom, TrioClock
from chatproto.testing.engine import PlainHasher, add_users, log_in, open_engine
from chatproto.testing.line import Faults
from chatproto.testing.network import MemoryTransport
from chatproto.testing.pair import ConnectionPair

__all__ = [
    "ConnectionPair",
    "Faults",
    "FrozenClock",
    "MemoryTransport",
    "PlainHasher",
    "SeededRandom",
    "TrioClock",
    "add_users",
    "log_in",
    "open_engine",
]
