"""A real engine without sockets, and people who call its operations."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from itertools import count

import pytest
from attrs import define, evolve, field

from chatproto.decisions import Caller, Decision, Find, Update
from chatproto.errors import MatrixError
from chatproto.operations.account_data import SetAccountData, SetRoomAccountData
from chatproto.operations.accounts import Login
from chatproto.operations.codec import unstructure
from chatproto.operations.messages import (
    GetHistory,
    GetState,
    RedactEvent,
    SendEvent,
    SetState,
)
from chatproto.operations.receipts import SendReceipt
from chatproto.operations.rooms import CreateRoom, Invite, JoinRoom, LeaveRoom
from chatproto.operations.sync import Sync
from chatproto.server.engine import Engine
from chatproto.server.settings import Settings
from chatproto.signing import SigningKey
from chatproto.storage.keys import FixedKeyStore
from chatproto.storage.memory import MemoryStore
from chatproto.testing import FrozenClock, PlainHasher, SeededRandom, add_users
from chatproto.testing.engine import password_of

SERVER = "example.org"
OPERATOR = Caller(is_admin=True)
ANYBODY = Caller(address="192.0.2.1")


def json_of(reply):
    """An answer as it travels."""
    return unstructure(reply)


@define(eq=False)
class Person:
    """A device of a user, and what people do with it."""

    engine: Engine
    caller: Caller
    token: str = ""
    refresh_token: str | None = None
    _numbers: count = field(factory=count)

    @property
    def id(self):
        return self.caller.user_id or f"@nobody:{SERVER}"

    async def call(self, request):
        return await self.engine.call(self.caller, request)

    def txn(self):
        return f"txn{next(self._numbers)}"

    async def create(self, **fields):
        return (await self.call(CreateRoom(**fields))).room_id

    async def invite(self, room, other):
        await self.call(Invite(room_id=room, user_id=other.id))

    async def join(self, room):
        await self.call(JoinRoom(room_id=room))

    async def leave(self, room):
        await self.call(LeaveRoom(room_id=room))

    async def send(self, room, content, kind="m.room.message", txn=None):
        """Send an event; its ID."""
        request = SendEvent(
            room_id=room, event_type=kind, txn_id=txn or self.txn(), content=content
        )
        return json_of(await self.call(request))["event_id"]

    async def say(self, room, body="hello", **more):
        return await self.send(room, {"msgtype": "m.text", "body": body, **more})

    async def react(self, room, target, key="+"):
        relation = {"rel_type": "m.annotation", "event_id": target, "key": key}
        return await self.send(room, {"m.relates_to": relation}, "m.reaction")

    async def redact(self, room, target, **more):
        request = RedactEvent(room_id=room, event_id=target, txn_id=self.txn(), **more)
        return (await self.call(request)).event_id

    async def set_state(self, room, kind, content, key=""):
        request = SetState(
            room_id=room, event_type=kind, content=content, state_key=key
        )
        return (await self.call(request)).event_id

    async def state(self, room, kind, key=""):
        return await self.call(GetState(room_id=room, event_type=kind, state_key=key))

    async def history(self, room, **fields):
        return await self.call(GetHistory(room_id=room, **{"limit": 1000, **fields}))

    async def bodies(self, room, **fields):
        """The texts of the messages that one may read, oldest first."""
        page = await self.history(room, **{"dir": "f", **fields})
        return [e["content"]["body"] for e in page.chunk if "body" in e["content"]]

    async def read(self, room, event_id, kind="m.read", thread=None):
        request = SendReceipt(
            room_id=room, receipt_type=kind, event_id=event_id, thread_id=thread
        )
        await self.call(request)

    async def set_data(self, kind, content, room=None):
        where = {"user_id": self.id, "type": kind, "content": content}
        if room is None:
            await self.call(SetAccountData(**where))
        else:
            await self.call(SetRoomAccountData(**where, room_id=room))

    async def sync(self, since=None, **fields):
        return await self.call(Sync(since=since, **fields))

    async def position(self):
        return (await self.sync())["next_batch"]


@define(eq=False)
class Chat:
    """An engine with the time under control."""

    engine: Engine
    clock: FrozenClock

    async def person(self, name, device=None, **login):
        """Log in as somebody, who gets an account if there is none yet."""
        where = {"localpart": name}
        if not await self.rows("users", **where):
            await add_users(self.engine, [name])
        request = Login(
            user=name, password=password_of(name), device_id=device, **login
        )
        found = await self.engine.call(ANYBODY, request)
        caller = await self.engine.authenticate(found.access_token)
        return Person(self.engine, caller, found.access_token, found.refresh_token)

    async def people(self, *names):
        return [await self.person(name) for name in names]

    async def administrator(self, name="root"):
        """Somebody with the rights of an administrator of the server."""
        person = await self.person(name)
        where = {"user_id": person.id}
        update = Update(table="users", where=where, set={"is_admin": 1})
        await self.engine.commit(OPERATOR, Decision(writes=(update,)))
        return Person(self.engine, evolve(person.caller, is_admin=True))

    async def room_of(self, owner, *members, **fields):
        """A room, which its members have joined."""
        room = await owner.create(**fields, invite=[m.id for m in members])
        for member in members:
            await member.join(room)
        return room

    async def rows(self, table, **where):
        return await self.engine.store.find(Find(table=table, where=where))


class CopiedStore(MemoryStore):
    """A store in memory that starts as the copy of another."""

    def __init__(self, image):
        super().__init__()
        self._image = image

    async def open(self, on_commit):
        await super().open(on_commit)
        self._db.deserialize(self._image)

    @property
    def changes(self):
        """How many rows have been written since it was opened."""
        return self._db.total_changes

    @staticmethod
    def image_of(store):
        return store._db.serialize()


class HeldStore(MemoryStore):
    """A store that commits when it is told to, or fails then."""

    def __init__(self):
        super().__init__()
        self.is_held = False
        self.error = None

    def _commit(self):
        if not self.is_held:
            self.release()

    def release(self):
        """Commit what has been submitted, or fail all of it with `error`."""
        self.is_held = False
        if self.error is None:
            super()._commit()
        else:
            batch, self._waiting = self._waiting, []
            self._on_commit(batch, self.error)


@asynccontextmanager
async def open_chat(store=None, *, clock=None, seed=0, **settings):
    clock = clock or FrozenClock()
    random = SeededRandom(seed)
    known = {"registration": "open", "rates": None, **settings}
    async with Engine.open(
        Settings(server_name=SERVER, **known),
        store=store or MemoryStore(),
        clock=clock,
        keys=FixedKeyStore(SigningKey("ed25519:test", bytes(32))),
        random=random.bytes,
        passwords=PlainHasher(),
    ) as engine:
        yield Chat(engine, clock)


@contextmanager
def refused(errcode, status=None):
    """What is in the block is answered with this errcode."""
    with pytest.raises(MatrixError) as caught:
        yield caught
    assert caught.value.errcode == errcode, str(caught.value)
    if status is not None:
        assert caught.value.status == status
