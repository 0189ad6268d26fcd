"""WebSocket framing (RFC 6455) without I/O, for both roles, without extensions.

House rules: a header is judged before its payload is waited for, so that a lying
length never costs memory. The first error is final: after it, and after a Close, the
reader takes no more bytes. Only text messages exist; binary ones are refused.
"""

from __future__ import annotations

import codecs
from enum import Enum
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from attrs import field, frozen

from chatproto.errors import LocalError, RemoteError

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTINUATION: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

FIN: Final = 0x80
MASKED: Final = 0x80
MAX_CONTROL_PAYLOAD: Final = 125

NORMAL: Final = 1000
GOING_AWAY: Final = 1001
PROTOCOL_ERROR: Final = 1002
UNSUPPORTED_DATA: Final = 1003
NO_STATUS: Final = 1005
INVALID_PAYLOAD: Final = 1007
POLICY_VIOLATION: Final = 1008
MESSAGE_TOO_BIG: Final = 1009
INTERNAL_ERROR: Final = 1011
SERVICE_RESTART: Final = 1012

_REGISTERED_CODES = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015)})


class FrameError(RemoteError):
    """The peer broke the framing; `close_code` is what to tell it."""

    def __init__(self, close_code: int, reason: str) -> None:
        super().__init__(f"{close_code}: {reason}")
        self.close_code = close_code
        self.reason = reason


@frozen
class Encoded:
    """A message and its server frame, built once and shared by all receivers."""

    payload: bytes
    frame: bytes = field(repr=False)

    @classmethod
    def of(cls, payload: bytes) -> Encoded:
        return cls(payload, text_frame(payload))


@frozen
class Text:
    """A whole text message; its payload is valid UTF-8."""

    payload: bytes


@frozen
class Ping:
    """To be answered by a Pong with the same payload."""

    payload: bytes


@frozen
class Pong:
    """The answer to a Ping, or an unasked sign of life."""

    payload: bytes


@frozen
class Close:
    """The peer's last frame; `code` is 1005 when it named none."""

    code: int
    reason: str


class _NeedData(Enum):
    NEED_DATA = "NEED_DATA"


NEED_DATA: Final = _NeedData.NEED_DATA

FrameEvent: TypeAlias = Text | Ping | Pong | Close


def is_close_code(code: int) -> bool:
    """Whether a Close frame may carry this code (RFC 6455 7.4)."""
    return code in _REGISTERED_CODES or 3000 <= code <= 4999


def _header(opcode: int, length: int, mask_bit: int) -> bytes:
    first = FIN | opcode
    if length < 126:
        return bytes((first, mask_bit | length))
    if length < 0x10000:
        return bytes((first, mask_bit | 126, length >> 8, length & 0xFF))
    return bytes((first, mask_bit | 127)) + length.to_bytes(8)


def apply_mask(payload: bytes | bytearray, key: bytes) -> bytes:
    """The payload XORed with the four bytes of the key, in turn."""
    size = len(payload)
    stream = (key * (size // 4 + 1))[:size]
    mixed = int.from_bytes(payload, "little") ^ int.from_bytes(stream, "little")
    return mixed.to_bytes(size, "little")


def _frame(opcode: int, payload: bytes, key: bytes | None) -> bytes:
    if key is None:
        return _header(opcode, len(payload), 0) + payload
    return _header(opcode, len(payload), MASKED) + key + apply_mask(payload, key)


def text_frame(payload: bytes, key: bytes | None = None) -> bytes:
    """One unfragmented text frame.

    `payload` is UTF-8, which is not checked here. `key` is None for a server and
    four random bytes for a client (RFC 6455 5.3).
    """
    return _frame(TEXT, payload, key)


def ping_frame(payload: bytes = b"", key: bytes | None = None) -> bytes:
    """A Ping of at most 125 bytes; LocalError when it is longer."""
    return _control(PING, payload, key)


def pong_frame(payload: bytes = b"", key: bytes | None = None) -> bytes:
    """A Pong of at most 125 bytes; LocalError when it is longer."""
    return _control(PONG, payload, key)


def close_frame(code: int, reason: str = "", key: bytes | None = None) -> bytes:
    """A Close frame, its reason cut at 123 bytes.

    1005 makes a frame without a code, the answer to one that had none; LocalError
    for any other code that may not travel (RFC 6455 7.4).
    """
    if code == NO_STATUS:
        return _control(CLOSE, b"", key)
    if not is_close_code(code):
        raise LocalError(f"the close code {code} may not travel")
    words = reason.encode("utf-8")[: MAX_CONTROL_PAYLOAD - 2]
    whole = words.decode("utf-8", "ignore").encode("utf-8")
    return _control(CLOSE, code.to_bytes(2) + whole, key)


def _control(opcode: int, payload: bytes, key: bytes | None) -> bytes:
    if len(payload) > MAX_CONTROL_PAYLOAD:
        raise LocalError(f"a control frame of {len(payload)} bytes; the limit is 125")
    return _frame(opcode, payload, key)


class FrameReader:
    """Turns the peer's bytes into events.

    `max_message` is in bytes, over all fragments of a message. `masked` says which
    kind of frames is due: those of a client (the default) or those of a server.
    `frames` counts every frame seen, so that tiny fragments can be charged for.
    """

    __slots__ = (
        "_buffer",
        "_decoder",
        "_ended",
        "_fragments",
        "_mask_bit",
        "_max_message",
        "_wanted",
        "frames",
    )

    def __init__(self, max_message: int, *, masked: bool = True) -> None:
        self._max_message = max_message
        self._mask_bit = MASKED if masked else 0
        self._buffer = bytearray()
        self._wanted = 2  # bytes that must be there before looking is of use
        self._fragments: bytearray | None = None
        self._decoder: codecs.IncrementalDecoder | None = None
        self._ended = False
        self.frames = 0

    def feed(self, data: bytes) -> None:
        """Take what the socket gave; after a Close or an error it is dropped."""
        if not self._ended:
            self._buffer += data

    def __iter__(self) -> Iterator[FrameEvent]:
        """The events that are ready now; FrameError when the peer broke a rule."""
        while (event := self.next_event()) is not NEED_DATA:
            yield event

    def next_event(self) -> FrameEvent | Literal[_NeedData.NEED_DATA]:
        """The next event, or NEED_DATA; FrameError when the peer broke a rule."""
        try:
            while len(self._buffer) >= self._wanted and not self._ended:
                event = self._next_frame()
                if event is not None:
                    return event
        except FrameError:
            self._end()
            raise
        return NEED_DATA

    def _next_frame(self) -> FrameEvent | None:
        """The event of the first frame; None if it is not whole or ends nothing."""
        buffer = self._buffer
        first, second = buffer[0], buffer[1]
        self._check_start(first, second)
        length = second & 0x7F
        start = 2
        if length >= 126:
            start = 4 if length == 126 else 10
            if len(buffer) < start:
                self._wanted = start
                return None
            length = self._long_length(start)
        self._check_length(first & 0x0F, length)
        if self._mask_bit:
            start += 4
        end = start + length
        if len(buffer) < end:
            self._wanted = end
            return None
        payload = (
            apply_mask(buffer[start:end], bytes(buffer[start - 4 : start]))
            if self._mask_bit
            else bytes(buffer[start:end])
        )
        del buffer[:end]
        self._wanted = 2
        self.frames += 1
        return self._event(first, payload)

    def _check_start(self, first: int, second: int) -> None:
        opcode = first & 0x0F
        if first & 0x70:
            raise FrameError(PROTOCOL_ERROR, "a reserved bit is set")
        if second & MASKED != self._mask_bit:
            raise FrameError(PROTOCOL_ERROR, "masked by the wrong side")
        if opcode >= CLOSE:
            if opcode > PONG:
                raise FrameError(PROTOCOL_ERROR, f"unknown opcode {opcode}")
            if not first & FIN:
                raise FrameError(PROTOCOL_ERROR, "a fragmented control frame")
            if second & 0x7F > MAX_CONTROL_PAYLOAD:
                raise FrameError(PROTOCOL_ERROR, "a control frame over 125 bytes")
        elif opcode == CONTINUATION:
            if self._fragments is None:
                raise FrameError(PROTOCOL_ERROR, "nothing to continue")
        elif opcode == BINARY:
            raise FrameError(UNSUPPORTED_DATA, "only text messages are spoken here")
        elif opcode != TEXT:
            raise FrameError(PROTOCOL_ERROR, f"unknown opcode {opcode}")
        elif self._fragments is not None:
            raise FrameError(PROTOCOL_ERROR, "the message before is not finished")

    def _long_length(self, start: int) -> int:
        length = int.from_bytes(self._buffer[2:start])
        if length < (126 if start == 4 else 0x10000):
            raise FrameError(PROTOCOL_ERROR, "a length longer than it need be")
        if length >> 63:
            raise FrameError(PROTOCOL_ERROR, "a length with its top bit set")
        return length

    def _check_length(self, opcode: int, length: int) -> None:
        if opcode >= CLOSE:
            return
        so_far = 0 if self._fragments is None else len(self._fragments)
        if so_far + length > self._max_message:
            raise FrameError(
                MESSAGE_TOO_BIG,
                f"a message has at most {self._max_message} bytes",
            )

    def _event(self, first: int, payload: bytes) -> FrameEvent | None:
        opcode = first & 0x0F
        if opcode == PING:
            return Ping(payload)
        if opcode == PONG:
            return Pong(payload)
        if opcode == CLOSE:
            self._end()
            return _read_close(payload)
        if opcode == TEXT and first & FIN:
            _check_utf8(payload)
            return Text(payload)
        return self._fragment(payload, final=bool(first & FIN))

    def _fragment(self, payload: bytes, *, final: bool) -> Text | None:
        if self._fragments is None or self._decoder is None:
            self._fragments = bytearray()
            self._decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            self._decoder.decode(payload, final)
        except UnicodeDecodeError as error:
            raise FrameError(INVALID_PAYLOAD, "the text is not UTF-8") from error
        self._fragments += payload
        if not final:
            return None
        message = bytes(self._fragments)
        self._fragments = self._decoder = None
        return Text(message)

    def _end(self) -> None:
        self._ended = True
        self._buffer = bytearray()
        self._fragments = self._decoder = None


def _check_utf8(payload: bytes) -> None:
    if payload.isascii():
        return
    try:
        payload.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FrameError(INVALID_PAYLOAD, "the text is not UTF-8") from error


def _read_close(payload: bytes) -> Close:
    if not payload:
        return Close(NO_STATUS, "")
    if len(payload) == 1:
        raise FrameError(PROTOCOL_ERROR, "half a close code")
    code = int.from_bytes(payload[:2])
    if not is_close_code(code):
        raise FrameError(PROTOCOL_ERROR, f"the close code {code} may not travel")
    try:
        return Close(code, payload[2:].decode("utf-8"))
    except UnicodeDecodeError as error:
        raise FrameError(INVALID_PAYLOAD, "the reason is not UTF-8") from error
