"""The timeline of a room that this server orders: a line, each event after the last."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve, frozen

from chatproto.canonical import JsonObject, canonical_of_checked
from chatproto.errors import MatrixError
from chatproto.events.envelope import EventDraft, Pdu
from chatproto.events.redaction import redact
from chatproto.ids import EventId, RoomId, ServerName
from chatproto.rooms import auth_rules
from chatproto.rooms.state import RoomState
from chatproto.rooms.version import RoomVersion
from chatproto.signing import SigningKey, content_hash, reference_hash

# Specification, "Size limits"; of the whole event with hashes and signatures.
MAX_EVENT_BYTES = 65_536
MAX_FIELD_BYTES = 255
MAX_DEPTH = 2**53 - 1


@frozen(eq=False)
class Timeline:
    """A room as far as the next event has to know it.

    `head` is its newest event, `seq` that event's place, counted from 1.
    """

    room_id: RoomId
    version: RoomVersion
    state: RoomState
    head: EventId | None
    seq: int
    depth: int

    @classmethod
    def new(cls, room_id: RoomId, version: RoomVersion) -> Timeline:
        return cls(room_id, version, RoomState.empty(), None, 0, 0)

    @classmethod
    def restore(
        cls,
        room_id: RoomId,
        version: RoomVersion,
        state: Iterable[Pdu],
        head: EventId,
        seq: int,
        depth: int,
    ) -> Timeline:
        """A room as it was stored."""
        return cls(room_id, version, RoomState.of(state), head, seq, depth)

    def append(
        self,
        draft: EventDraft,
        *,
        server: ServerName,
        key: SigningKey,
        now_ms: int,
    ) -> tuple[Timeline, Pdu]:
        """Complete and sign a draft as the room's next event.

        Raises Denied if the rules forbid it, MatrixError M_TOO_LARGE if it is over the
        limits. The content must have a canonical form already.
        """
        depth = min(self.depth + 1, MAX_DEPTH)
        json = self._completed(draft, depth, now_ms)
        unsigned = Pdu.from_json(json, EventId(""))
        signers = {"signatures": {server: {}}}
        candidate = evolve(unsigned, json={**json, **signers})
        auth_rules.check(candidate, self.state, self.version)
        pdu = self._signed(unsigned, server, key)
        following = Timeline(
            self.room_id,
            self.version,
            self.state.apply(pdu),
            pdu.event_id,
            self.seq + 1,
            depth,
        )
        return following, pdu

    def _completed(self, draft: EventDraft, depth: int, now_ms: int) -> JsonObject:
        auth = auth_rules.select_auth_events(
            draft.type,
            draft.sender,
            draft.state_key,
            draft.content,
            self.state,
        )
        json: JsonObject = {
            "auth_events": auth,
            "content": draft.content,
            "depth": depth,
            "origin_server_ts": now_ms,
            "prev_events": [] if self.head is None else [self.head],
            "room_id": self.room_id,
            "sender": draft.sender,
            "type": draft.type,
        }
        if draft.state_key is not None:
            json["state_key"] = draft.state_key
        if draft.type == "m.room.redaction" and not self.version.redacts_in_content:
            json["redacts"] = draft.content.get("redacts")
        return json

    def _signed(self, pdu: Pdu, server: ServerName, key: SigningKey) -> Pdu:
        json = pdu.json
        json["hashes"] = {"sha256": content_hash(json)}
        redacted = redact(json, self.version.redaction)
        signature = key.sign(canonical_of_checked(redacted))
        json["signatures"] = {server: {key.key_id: signature}}
        _check_size(json)
        return evolve(pdu, event_id=EventId("$" + reference_hash(redacted)))


def _check_size(json: JsonObject) -> None:
    size = len(canonical_of_checked(json))
    if size > MAX_EVENT_BYTES:
        raise MatrixError(
            "M_TOO_LARGE",
            f"the event has {size} bytes, the most is {MAX_EVENT_BYTES}",
        )
    for name in ("type", "state_key", "sender", "room_id"):
        if len(json.get(name, "").encode()) > MAX_FIELD_BYTES:
            message = f"{name} has more than {MAX_FIELD_BYTES} bytes"
            raise MatrixError("M_TOO_LARGE", message)
