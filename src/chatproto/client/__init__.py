"""A client on trio: a live session, room handles, files, bots."""

from __future__ import annotations

from chatproto.client.rooms import Room
from chatproto.client.session import Session, connect

__all__ = ["Room", "Session", "connect"]
