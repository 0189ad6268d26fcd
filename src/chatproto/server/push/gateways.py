"""All pushers of a server: which there are, and whom there is something to tell."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import trio
from attrs import define, field

from chatproto.decisions import Decision, Find
from chatproto.ids import RoomId, UserId
from chatproto.ports import Clock, Store
from chatproto.server.client_format import Formats
from chatproto.server.commit import Appended, Work
from chatproto.server.reach import Reach
from chatproto.server.rooms import RoomCache
from chatproto.server.unread import UnreadCounts
from chatproto.server.visible import Visible

if TYPE_CHECKING:
    import httpx2

    from chatproto.server.push.pushing import Around, Pushing

MAX_ANSWER = 64 * 1024

_Key: TypeAlias = tuple[UserId, str, str]


@define(eq=False)
class PushGateways:
    """Runs what `Pushing` does for each stored pusher."""

    store: Store
    cache: RoomCache
    formats: Formats
    visible: Visible
    unread: UnreadCounts
    clock: Clock
    reach: Reach
    commit: Callable[[Decision], Awaitable[Any]]
    committed: Callable[[], int]
    _running: dict[_Key, Pushing] = field(factory=dict)
    _users_in: dict[RoomId, set[UserId]] = field(factory=dict)
    _of_user: dict[UserId, list[Pushing]] = field(factory=dict)
    _nursery: trio.Nursery | None = None
    _around: Around | None = None

    async def open(self, nursery: trio.Nursery) -> None:
        """Start the pushers that are stored; they end with the nursery."""
        self._nursery = nursery
        rows = await self.store.find(Find(table="pushers", where={}))
        for user_id in {UserId(row["user_id"]) for row in rows}:
            await self.load(user_id)

    def serves(self, user_id: UserId) -> bool:
        """Whether there are pushers of a user."""
        return user_id in self._of_user

    async def load(self, user_id: UserId) -> None:
        """Start and end pushers of a user, so that those run that are stored."""
        rooms = [
            member.room_id
            for member in await self.store.memberships(user_id)
            if member.membership == "join"
        ]
        find = Find(table="pushers", where={"user_id": user_id})
        wanted = {
            (user_id, row["app_id"], row["pushkey"])
            for row in await self.store.find(find)
        }
        for key in [k for k in self._running if k[0] == user_id and k not in wanted]:
            self._running.pop(key).scope.cancel()
        for key in wanted - self._running.keys():
            self._start(key)
        own = [pushing for key, pushing in self._running.items() if key[0] == user_id]
        if own:
            self._of_user[user_id] = own
        else:
            self._of_user.pop(user_id, None)
        for room_id in rooms:
            self._listen(room_id, user_id)
        for pushing in own:
            pushing.wake()

    def note(self, works: Sequence[Work]) -> None:
        """Wake the pushers that what was committed may be for."""
        if not self._of_user:
            return
        users: set[UserId] = set()
        for work in works:
            for appended in work.appended:
                users |= self._concerned(appended)
            for _, receipt in work.receipts:
                for pushing in self._of_user.get(receipt.user_id, ()):
                    pushing.wake(has_read=True)
        for user_id in users:
            for pushing in self._of_user.get(user_id, ()):
                pushing.wake()

    def _concerned(self, appended: Appended) -> set[UserId]:
        pdu = appended.event.pdu
        if pdu.type == "m.room.member":
            self._moved(appended)
        users = self._users_in.get(pdu.room_id, set())
        target = UserId(pdu.state_key or "")
        if pdu.type == "m.room.member" and target in self._of_user:
            users = users | {target}
        return users

    def _moved(self, appended: Appended) -> None:
        pdu = appended.event.pdu
        user_id = UserId(pdu.state_key or "")
        if user_id not in self._of_user:
            return
        if pdu.content.get("membership") == "join":
            self._listen(pdu.room_id, user_id)
        else:
            self._users_in.get(pdu.room_id, set()).discard(user_id)

    def _listen(self, room_id: RoomId, user_id: UserId) -> None:
        if user_id in self._of_user:
            self._users_in.setdefault(room_id, set()).add(user_id)

    def _start(self, key: _Key) -> None:
        # Here, for most servers push nothing to anybody.
        from chatproto.server.push.pushing import Pushing

        assert self._nursery is not None, "the engine is not open"
        if self._around is None:
            self._around = self._surroundings()
            self._nursery.start_soon(_close_at_the_end, self._around.client)
        user_id, app_id, pushkey = key
        row = {"user_id": user_id, "app_id": app_id, "pushkey": pushkey}
        self._running[key] = pushing = Pushing(self._around, row)
        self._nursery.start_soon(self._run, key, pushing)

    async def _run(self, key: _Key, pushing: Pushing) -> None:
        await pushing.run()
        if self._running.get(key) is pushing:
            del self._running[key]

    def _surroundings(self) -> Around:
        from chatproto.server.outbound import guarded_client
        from chatproto.server.push.pushing import Around

        return Around(
            store=self.store,
            cache=self.cache,
            formats=self.formats,
            visible=self.visible,
            unread=self.unread,
            clock=self.clock,
            client=guarded_client(self.reach, max_bytes=MAX_ANSWER, step_seconds=10),
            commit=self.commit,
            committed=self.committed,
        )


async def _close_at_the_end(client: httpx2.AsyncClient) -> None:
    try:
        await trio.sleep_forever()
    finally:
        with trio.CancelScope(shield=True):
            await client.aclose()
