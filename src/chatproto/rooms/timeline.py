"""The timeline of a room that this server orders: a line, each event after the last."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from chatproto.canonical import JsonObject, canonical_of_checked, check_canonical
from chatproto.errors import LocalError, MatrixError
from chatproto.events.envelope import EventDraft, Pdu
from chatproto.events.redaction import redact
from chatproto.ids import EventId, RoomId, ServerName, server_name
from chatproto.rooms import auth_rules
from chatproto.rooms.state import RoomState
from chatproto.rooms.version import RoomVersion
from chatproto.signing import SigningKey, encode_base64, encode_base64_url, sha256

# Specification, "Size limits"; of the whole event with hashes and signatures.
MAX_EVENT_BYTES = 65_536
MAX_FIELD_BYTES = 255
MAX_DEPTH = 2**53 - 1

# The reader takes 100 levels; an answer to /sync wraps a content in seven, and an event
# can stand within another's `unsigned`. What is sent must be readable in all of them.
MAX_CONTENT_DEPTH = 80


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

        Raises Denied if the rules forbid it; MatrixError M_TOO_LARGE if it is over the
        limits, M_BAD_JSON if it has no canonical form; LocalError if the sender is not
        of this server.
        """
        if server_name(draft.sender) != server:
            raise LocalError(f"{server} cannot sign for {draft.sender}")
        check_canonical(draft.content, MAX_CONTENT_DEPTH)
        json = self._completed(draft, now_ms)
        _check_fields(json)
        auth_rules.check(_pdu(json, _UNNAMED, server), self.state, self.version)
        pdu = self._signed(json, server, key)
        return self._followed_by(pdu), pdu

    def _completed(self, draft: EventDraft, now_ms: int) -> JsonObject:
        json: JsonObject = {
            "auth_events": auth_rules.select_auth_events(
                draft.type,
                draft.sender,
                draft.state_key,
                draft.content,
                self.state,
            ),
            "content": draft.content,
            "depth": min(self.depth + 1, MAX_DEPTH),
            "origin_server_ts": now_ms,
            "prev_events": [] if self.head is None else [self.head],
            "room_id": self.room_id,
            "sender": draft.sender,
            "type": draft.type,
        }
        if draft.state_key is not None:
            json["state_key"] = draft.state_key
        in_content = self.version.redacts_in_content
        if draft.type == "m.room.redaction" and not in_content:
            json["redacts"] = draft.content.get("redacts")
        return json

    def _signed(self, json: JsonObject, server: ServerName, key: SigningKey) -> Pdu:
        """The event with its hash, signature and ID; each form is written once."""
        hashed = canonical_of_checked(json)
        json["hashes"] = {"sha256": encode_base64(sha256(hashed))}
        _check_size(len(hashed) + _size_of_proofs(server, key))
        redacted = canonical_of_checked(redact(json, self.version.redaction))
        json["signatures"] = {server: {key.key_id: key.sign(redacted)}}
        return _pdu(json, EventId("$" + encode_base64_url(sha256(redacted))))

    def _followed_by(self, pdu: Pdu) -> Timeline:
        return Timeline(
            self.room_id,
            self.version,
            self.state.apply(pdu),
            pdu.event_id,
            self.seq + 1,
            pdu.depth,
        )


_UNNAMED = EventId("")


def _pdu(json: JsonObject, event_id: EventId, signer: ServerName | None = None) -> Pdu:
    """The event of JSON made here; `signer` is a server that is yet to sign it."""
    return Pdu(
        event_id,
        json["room_id"],
        json["sender"],
        json["type"],
        json.get("state_key"),
        json["content"],
        json["origin_server_ts"],
        json["depth"],
        tuple(json["prev_events"]),
        tuple(json["auth_events"]),
        json if signer is None else {**json, "signatures": {signer: {}}},
    )


def _check_fields(json: JsonObject) -> None:
    for name in ("type", "state_key", "sender", "room_id"):
        text = json.get(name, "")
        if not text.isascii():
            check_canonical(text)
        if len(text) > MAX_FIELD_BYTES or len(text.encode()) > MAX_FIELD_BYTES:
            message = f"{name} has more than {MAX_FIELD_BYTES} bytes"
            raise MatrixError("M_TOO_LARGE", message)


def _size_of_proofs(server: ServerName, key: SigningKey) -> int:
    """The bytes that the hash and the signature add to the canonical form."""
    return len(f',"hashes":{{"sha256":"{"-" * 43}"}}') + len(
        f',"signatures":{{"{server}":{{"{key.key_id}":"{"-" * 86}"}}}}',
    )


def _check_size(size: int) -> None:
    if size > MAX_EVENT_BYTES:
        raise MatrixError(
            "M_TOO_LARGE",
            f"the event has {size} bytes, the most is {MAX_EVENT_BYTES}",
        )
