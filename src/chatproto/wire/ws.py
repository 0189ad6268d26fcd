"""The machine of one connection, the same for both ends.

The table is the protocol: what it does not list is refused, as LocalError if one's own
side tries it and as RemoteError if the peer does.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import TypeAlias

from chatproto.errors import LocalError, RemoteError
from chatproto.wire.frames import (
    Ack,
    CallFrame,
    Frame,
    Goodbye,
    Hello,
    Ping,
    Pong,
    Push,
    Reply,
    Resync,
    Welcome,
    decode,
    encode,
)


class Role(Enum):
    """The two ends of a connection."""

    CLIENT = "client"
    SERVER = "server"


class State(Enum):
    """How far a connection has got."""

    IDLE = "idle"  # nothing has been said
    GREETED = "greeted"  # the client has said hello
    OPEN = "open"  # the server has welcomed it
    DRAINING = "draining"  # the server has said goodbye, what is under way ends
    CLOSED = "closed"


Step: TypeAlias = tuple[State, Role, type]

_CLIENT, _SERVER = Role.CLIENT, Role.SERVER

TRANSITIONS: Mapping[Step, State] = MappingProxyType(
    {
        (State.IDLE, _CLIENT, Hello): State.GREETED,
        (State.IDLE, _SERVER, Goodbye): State.CLOSED,
        (State.GREETED, _SERVER, Welcome): State.OPEN,
        (State.GREETED, _SERVER, Goodbye): State.CLOSED,
        (State.OPEN, _CLIENT, CallFrame): State.OPEN,
        (State.OPEN, _CLIENT, Ack): State.OPEN,
        (State.OPEN, _CLIENT, Ping): State.OPEN,
        (State.OPEN, _CLIENT, Pong): State.OPEN,
        (State.OPEN, _SERVER, Reply): State.OPEN,
        (State.OPEN, _SERVER, Push): State.OPEN,
        (State.OPEN, _SERVER, Resync): State.OPEN,
        (State.OPEN, _SERVER, Ping): State.OPEN,
        (State.OPEN, _SERVER, Pong): State.OPEN,
        (State.OPEN, _SERVER, Goodbye): State.DRAINING,
        # What the client had sent before it heard the goodbye.
        (State.DRAINING, _CLIENT, CallFrame): State.DRAINING,
        (State.DRAINING, _CLIENT, Ping): State.DRAINING,
        (State.DRAINING, _CLIENT, Ack): State.DRAINING,
        (State.DRAINING, _CLIENT, Pong): State.DRAINING,
        (State.DRAINING, _SERVER, Reply): State.DRAINING,
        (State.DRAINING, _SERVER, Push): State.DRAINING,
        (State.DRAINING, _SERVER, Pong): State.DRAINING,
    },
)


class WsConnection:
    """One end of a connection: text messages in, frames out, and the reverse."""

    __slots__ = ("_peer", "role", "state")

    def __init__(self, role: Role) -> None:
        self.role = role
        self.state = State.IDLE
        self._peer = _SERVER if role is _CLIENT else _CLIENT

    def receive_data(self, message: bytes) -> Frame:
        """Take a message of the peer.

        Raises RemoteError if it is no frame, or one that may not come now.
        """
        frame = decode(message)
        following = TRANSITIONS.get((self.state, self._peer, type(frame)))
        if following is None:
            raise RemoteError(
                f"a {self._peer.value} sends no {type(frame).__name__} "
                f"while the connection is {self.state.value}",
            )
        self.state = following
        return frame

    def send(self, frame: Frame) -> bytes:
        """The message for a frame of one's own.

        Raises LocalError if it may not be sent now.
        """
        following = TRANSITIONS.get((self.state, self.role, type(frame)))
        if following is None:
            raise LocalError(
                f"a {self.role.value} sends no {type(frame).__name__} "
                f"while the connection is {self.state.value}",
            )
        self.state = following
        return encode(frame)

    def can_send(self, kind: type[Frame]) -> bool:
        return (self.state, self.role, kind) in TRANSITIONS

    def close(self) -> None:
        """Note that the connection has ended; any state allows that."""
        self.state = State.CLOSED
