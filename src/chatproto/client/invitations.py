"""Invitations accepted as they come."""

from __future__ import annotations

import logging

import trio
from attrs import define, field

from chatproto.client.running import Running
from chatproto.client.session import Session
from chatproto.client.transport import Disconnected
from chatproto.errors import MatrixError
from chatproto.ids import RoomId
from chatproto.operations.rooms import JoinRoom
from chatproto.sync.changes import RoomAdded

_log = logging.getLogger(__name__)


@define(eq=False)
class Invitations:
    """Joins the rooms to which `session` is invited, in tasks of `nursery`."""

    session: Session
    nursery: trio.Nursery
    running: Running
    _joining: set[RoomId] = field(factory=set)

    async def accept(self) -> None:
        """Accept those that are open, and those that come."""
        with self.session.changes() as changes:
            for room_id in tuple(self.session.state.rooms):
                self._consider(room_id)
            async for step in changes:
                for change in step:
                    if isinstance(change, RoomAdded):
                        self._consider(change.room_id)

    def _consider(self, room_id: RoomId) -> None:
        room = self.session.state.rooms.get(room_id)
        if room and room.membership == "invite" and room_id not in self._joining:
            self._joining.add(room_id)
            self.running.begin()
            self.nursery.start_soon(self._join, room_id)

    async def _join(self, room_id: RoomId) -> None:
        try:
            while not await self._has_joined(room_id):
                await trio.lowlevel.checkpoint()
        except MatrixError as error:
            _log.warning("could not join %s: %s", room_id, error)
        finally:
            self._joining.discard(room_id)
            self.running.end()

    async def _has_joined(self, room_id: RoomId) -> bool:
        try:
            await self.session.call(JoinRoom(room_id=room_id))
        except Disconnected:
            return False  # to be tried over the next connection
        return True
