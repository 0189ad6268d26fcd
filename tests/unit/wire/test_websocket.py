from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.events import (
    CloseConnection,
    Event,
    Message,
    TextMessage,
)
from wsproto.events import Ping as PeerPing
from wsproto.events import Pong as PeerPong

from chatproto.errors import LocalError
from chatproto.wire.websocket import (
    NEED_DATA,
    Close,
    Encoded,
    FrameError,
    FrameEvent,
    FrameReader,
    Ping,
    Pong,
    Text,
    apply_mask,
    close_frame,
    ping_frame,
    pong_frame,
    text_frame,
)

KEY = b"\x37\xfa\x21\x3d"
LIMIT = 1 << 20


def raw(first: int, payload: bytes = b"", *, key: bytes | None = KEY) -> bytes:
    size = len(payload)
    mask_bit = 0 if key is None else 0x80
    if size < 126:
        length = bytes([mask_bit | size])
    elif size < 65536:
        length = bytes([mask_bit | 126]) + size.to_bytes(2)
    else:
        length = bytes([mask_bit | 127]) + size.to_bytes(8)
    body = payload if key is None else key + apply_mask(payload, key)
    return bytes([first]) + length + body


def read(*frames: bytes, limit: int = LIMIT) -> list[FrameEvent]:
    reader = FrameReader(limit)
    events: list[FrameEvent] = []
    for frame in frames:
        reader.feed(frame)
        events += reader
    return events


GOOD = {
    "1.1.1 empty text": ([raw(0x81)], [Text(b"")]),
    "1.1.2 125 bytes": ([raw(0x81, b"*" * 125)], [Text(b"*" * 125)]),
    "1.1.3 126 bytes": ([raw(0x81, b"*" * 126)], [Text(b"*" * 126)]),
    "1.1.4 127 bytes": ([raw(0x81, b"*" * 127)], [Text(b"*" * 127)]),
    "1.1.5 128 bytes": ([raw(0x81, b"*" * 128)], [Text(b"*" * 128)]),
    "1.1.6 65535 bytes": ([raw(0x81, b"*" * 65535)], [Text(b"*" * 65535)]),
    "1.1.7 65536 bytes": ([raw(0x81, b"*" * 65536)], [Text(b"*" * 65536)]),
    "2.1 empty ping": ([raw(0x89)], [Ping(b"")]),
    "2.2 ping with text": ([raw(0x89, b"Hello")], [Ping(b"Hello")]),
    "2.3 ping with bytes": ([raw(0x89, b"\x00\xff\xfe")], [Ping(b"\x00\xff\xfe")]),
    "2.4 ping of 125": ([raw(0x89, b"\xfe" * 125)], [Ping(b"\xfe" * 125)]),
    "2.7 unasked pong": ([raw(0x8A)], [Pong(b"")]),
    "2.8 unasked pong, payload": ([raw(0x8A, b"x")], [Pong(b"x")]),
    "2.10 ten pings": ([raw(0x89, b"p")] * 10, [Ping(b"p")] * 10),
    "5.3 two fragments": ([raw(0x01, b"ab"), raw(0x80, b"cd")], [Text(b"abcd")]),
    "5.6 ping between": (
        [raw(0x01, b"ab"), raw(0x89, b"p"), raw(0x80, b"cd")],
        [Ping(b"p"), Text(b"abcd")],
    ),
    "5.19 pings between": (
        [
            raw(0x01, b"1"),
            raw(0x00, b"2"),
            raw(0x89, b"p"),
            raw(0x00, b"3"),
            raw(0x89, b"q"),
            raw(0x80, b"4"),
        ],
        [Ping(b"p"), Ping(b"q"), Text(b"1234")],
    ),
    "6.1.2 empty fragments": ([raw(0x01), raw(0x00), raw(0x80)], [Text(b"")]),
    "6.1.3 one not empty": ([raw(0x01), raw(0x00, b"m"), raw(0x80)], [Text(b"m")]),
    "6.2.1 UTF-8": ([raw(0x81, "Hello-µ@ß€".encode())], [Text("Hello-µ@ß€".encode())]),
    "6.2.3 cut in a letter": (
        [raw(0x01, b"\xe2"), raw(0x00, b"\x82"), raw(0x80, b"\xac")],
        [Text("€".encode())],
    ),
    "6.9 last code point": (
        [raw(0x81, b"\xf4\x8f\xbf\xbf")],
        [Text(b"\xf4\x8f\xbf\xbf")],
    ),
    "6.22 non-character": ([raw(0x81, b"\xef\xbf\xbe")], [Text(b"\xef\xbf\xbe")]),
    "7.1.1 message, close": (
        [raw(0x81, b"Hi"), raw(0x88, b"\x03\xe8")],
        [Text(b"Hi"), Close(1000, "")],
    ),
    "7.1.2 two closes": ([raw(0x88), raw(0x88)], [Close(1005, "")]),
    "7.1.3 ping after close": ([raw(0x88), raw(0x89)], [Close(1005, "")]),
    "7.1.4 text after close": ([raw(0x88), raw(0x81, b"x")], [Close(1005, "")]),
    "7.1.5 close in a message": (
        [raw(0x01, b"a"), raw(0x88), raw(0x80, b"b")],
        [Close(1005, "")],
    ),
    "7.3.4 code and reason": ([raw(0x88, b"\x03\xe8bye")], [Close(1000, "bye")]),
    "7.3.5 reason of 123": (
        [raw(0x88, b"\x03\xe8" + b"*" * 123)],
        [Close(1000, "*" * 123)],
    ),
    "9.1 a mebibyte": ([raw(0x81, b"*" * LIMIT)], [Text(b"*" * LIMIT)]),
    "9.3 in fragments of 4096": (
        [raw(0x01, b"*" * 4096), *[raw(0x00, b"*" * 4096)] * 20, raw(0x80)],
        [Text(b"*" * 4096 * 21)],
    ),
}


@pytest.mark.parametrize(("frames", "events"), GOOD.values(), ids=GOOD)
def test_legal_frames_become_events(
    frames: list[bytes], events: list[FrameEvent]
) -> None:
    assert read(*frames) == events
    assert read(b"".join(frames)) == events


BAD = {
    "2.5 ping of 126": ([raw(0x89, b"*" * 126)], 1002),
    "3.1 RSV3": ([raw(0x91, b"x")], 1002),
    "3.2 RSV2": ([raw(0xA1, b"x")], 1002),
    "3.3 RSV2+3": ([raw(0xB1, b"x")], 1002),
    "3.4 RSV1": ([raw(0xC1, b"x")], 1002),
    "3.5 RSV1+3 on ping": ([raw(0xD9)], 1002),
    "3.7 all on close": ([raw(0xF8)], 1002),
    **{f"4.1 opcode {n}": ([raw(0x80 | n)], 1002) for n in range(3, 8)},
    **{f"4.2 opcode {n}": ([raw(0x80 | n)], 1002) for n in range(11, 16)},
    "5.1 ping in fragments": ([raw(0x09, b"a"), raw(0x80, b"b")], 1002),
    "5.2 pong in fragments": ([raw(0x0A, b"a"), raw(0x80, b"b")], 1002),
    "5.9 nothing to continue": ([raw(0x80, b"x")], 1002),
    "5.12 nor unfinished": ([raw(0x00, b"x")], 1002),
    "5.18 text in text": ([raw(0x01, b"a"), raw(0x81, b"b")], 1002),
    "6.3 invalid UTF-8": ([raw(0x81, b"\xce\xba\xed\xa0\x80")], 1007),
    "6.4 invalid at once": ([raw(0x01, b"\xf4\x90"), raw(0x00, b"x")], 1007),
    "6.6 cut letter": ([raw(0x81, b"\xce")], 1007),
    "6.8 cut in last fragment": ([raw(0x01, b"\xce"), raw(0x80)], 1007),
    "6.12 lone continuation": ([raw(0x81, b"\x80")], 1007),
    "6.18 overlong": ([raw(0x81, b"\xc0\xaf")], 1007),
    "6.21 surrogate": ([raw(0x81, b"\xed\xbf\xbf")], 1007),
    "7.3.2 half a code": ([raw(0x88, b"\x03")], 1002),
    "7.3.6 close of 126": ([raw(0x88, b"\x03\xe8" + b"*" * 124)], 1002),
    "7.5.1 reason not UTF-8": ([raw(0x88, b"\x03\xe8\xce\xba\xed")], 1007),
    **{
        f"7.9 code {code}": ([raw(0x88, code.to_bytes(2))], 1002)
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000)
    },
    "not masked": ([raw(0x81, b"x", key=None)], 1002),
    "binary": ([raw(0x82, b"x")], 1003),
    "too long by one": ([raw(0x81, b"*" * (LIMIT + 1))], 1009),
    "too long in all": ([raw(0x01, b"*" * LIMIT), raw(0x80, b"*")], 1009),
    "16 bits for 125": ([b"\x81\xfe\x00\x7d"], 1002),
    "64 bits for 65535": ([b"\x81\xff" + (65535).to_bytes(8)], 1002),
    "top bit of 64": ([b"\x81\xff" + (1 << 63).to_bytes(8)], 1002),
}


@pytest.mark.parametrize(("frames", "code"), BAD.values(), ids=BAD)
def test_illegal_frames_are_refused(frames: list[bytes], code: int) -> None:
    with pytest.raises(FrameError) as caught:
        read(*frames)
    assert caught.value.close_code == code


@pytest.mark.parametrize(
    "code",
    [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 3000, 3999, 4999],
)
def test_legal_close_codes_arrive(code: int) -> None:
    assert read(close_frame(code, "why", KEY)) == [Close(code, "why")]


@pytest.mark.parametrize(
    "header",
    [b"\x81\xfe\xff\xff", b"\x81\xff" + (1 << 62).to_bytes(8)],
    ids=["16 bits", "64 bits"],
)
def test_lying_length_refused_from_header_alone(header: bytes) -> None:
    with pytest.raises(FrameError) as caught:
        read(header, limit=1000)
    assert caught.value.close_code == 1009


def test_reader_silent_after_error() -> None:
    reader = FrameReader(LIMIT)
    reader.feed(raw(0x82, b"x") + raw(0x81, b"later"))
    with pytest.raises(FrameError):
        reader.next_event()
    reader.feed(raw(0x81, b"more"))
    assert reader.next_event() is NEED_DATA


def test_empty_fragments_are_counted() -> None:
    reader = FrameReader(LIMIT)
    reader.feed(raw(0x01, b"a") + raw(0x00) * 50)
    assert list(reader) == []
    assert reader.frames == 51


def test_server_frames_read_by_client() -> None:
    reader = FrameReader(LIMIT, masked=False)
    reader.feed(Encoded.of(b"hi").frame + pong_frame(b"p") + close_frame(1012, "soon"))
    assert list(reader) == [Text(b"hi"), Pong(b"p"), Close(1012, "soon")]


def test_masked_server_frame_refused() -> None:
    reader = FrameReader(LIMIT, masked=False)
    reader.feed(text_frame(b"x", KEY))
    with pytest.raises(FrameError, match="wrong side"):
        reader.next_event()


def test_long_reason_cut_between_letters() -> None:
    (event,) = read(close_frame(4000, "ю" * 100, KEY))
    assert event == Close(4000, "ю" * 61)


@pytest.mark.parametrize("code", [999, 1006, 1015, 2999, 5000])
def test_unsendable_close_code_refused(code: int) -> None:
    with pytest.raises(LocalError, match="may not travel"):
        close_frame(code)


def test_long_ping_refused() -> None:
    with pytest.raises(LocalError, match="126 bytes"):
        ping_frame(b"*" * 126)


KEYS = st.binary(min_size=4, max_size=4)
TEXTS = st.text("aю€\U0001f600", max_size=60).map(str.encode)


@st.composite
def messages(draw: st.DrawFn) -> tuple[bytes, list[FrameEvent]]:
    """One message in one or more frames with control frames between them."""
    payload = draw(TEXTS)
    cuts = sorted(draw(st.lists(st.integers(0, len(payload)), max_size=3)))
    edges = [0, *cuts, len(payload)]
    parts = [payload[a:b] for a, b in itertools.pairwise(edges)]
    stream, events = b"", []
    for number, part in enumerate(parts):
        fin = 0x80 if number == len(parts) - 1 else 0
        opcode = 0 if number else 1
        stream += raw(fin | opcode, part, key=draw(KEYS))
        if not fin and draw(st.booleans()):
            word = draw(st.binary(max_size=125))
            stream += ping_frame(word, draw(KEYS))
            events.append(Ping(word))
    return stream, [*events, Text(payload)]


@given(st.lists(messages(), max_size=4), st.data())
def test_any_split_gives_same_events(
    sent: list[tuple[bytes, list[FrameEvent]]], data: st.DataObject
) -> None:
    stream = b"".join(part for part, _ in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    edges = [0, *cuts, len(stream)]
    pieces = [stream[a:b] for a, b in itertools.pairwise(edges)]
    assert read(*pieces) == [event for _, events in sent for event in events]


@given(st.binary(max_size=200))
def test_any_bytes_end_in_events_or_frame_error(data: bytes) -> None:
    whole, single = FrameReader(64), FrameReader(64)
    outcomes = []
    for reader, pieces in ((whole, [data]), (single, [bytes([b]) for b in data])):
        seen: list[object] = []
        try:
            for piece in pieces:
                reader.feed(piece)
                seen.extend(reader)
        except FrameError as error:
            seen.append(error.close_code)
        outcomes.append(seen)
    assert outcomes[0] == outcomes[1]


def peer_events(*data: bytes, role: ConnectionType) -> list[Event]:
    peer = Connection(role)
    for part in data:
        peer.receive_data(part)
    return list(peer.events())


@given(st.text(max_size=70_000))
def test_wsproto_client_reads_our_text(text: str) -> None:
    events = peer_events(text_frame(text.encode()), role=ConnectionType.CLIENT)
    assert [e.data for e in events if isinstance(e, Message)] == [text]


@given(st.text(max_size=300), KEYS)
def test_wsproto_server_reads_our_masked_text(text: str, key: bytes) -> None:
    events = peer_events(text_frame(text.encode(), key), role=ConnectionType.SERVER)
    assert [e.data for e in events if isinstance(e, Message)] == [text]


def test_wsproto_reads_our_control_frames() -> None:
    events = peer_events(
        ping_frame(b"a"),
        pong_frame(b"b"),
        close_frame(4001, "so"),
        role=ConnectionType.CLIENT,
    )
    assert events == [
        PeerPing(payload=b"a"),
        PeerPong(payload=b"b"),
        CloseConnection(code=4001, reason="so"),
    ]


@given(st.text(max_size=300), st.booleans())
def test_reads_what_wsproto_client_sends(text: str, final: bool) -> None:
    peer = Connection(ConnectionType.CLIENT)
    sent = peer.send(TextMessage(data=text, message_finished=final))
    if not final:
        sent += peer.send(TextMessage(data=text, message_finished=True))
    sent += peer.send(PeerPing(payload=b"p"))
    sent += peer.send(CloseConnection(code=1001, reason="off"))
    whole = text.encode() * (1 if final else 2)
    assert read(sent) == [Text(whole), Ping(b"p"), Close(1001, "off")]
