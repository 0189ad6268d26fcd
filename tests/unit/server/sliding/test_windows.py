from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chatproto.operations.codec import structure
from chatproto.operations.sliding_sync import SlidingSync
from chatproto.server.sliding.windows import ListedRoom, look, read_asked

ME = "@me:x"
ROOMS = st.lists(
    st.builds(
        ListedRoom,
        room_id=st.sampled_from([f"!{n}:x" for n in range(9)]),
        activity=st.integers(0, 5),
        membership=st.sampled_from(["join", "invite", "knock"]),
        is_dm=st.booleans(),
    ),
    unique_by=lambda room: room.room_id,
)
PAIR = st.tuples(st.integers(0, 9), st.integers(0, 9)).map(sorted)
LISTS = st.fixed_dictionaries(
    {"timeline_limit": st.integers(0, 5)},
    optional={
        "ranges": st.lists(PAIR, max_size=3),
        "filters": st.fixed_dictionaries({}, optional={"is_dm": st.booleans()}),
    },
)
BODIES = st.fixed_dictionaries(
    {
        "lists": st.dictionaries(st.sampled_from("ab"), LISTS),
        "room_subscriptions": st.dictionaries(
            st.sampled_from(["!0:x", "!none:x"]),
            st.fixed_dictionaries({"timeline_limit": st.integers(0, 9)}),
        ),
    }
)


@given(ROOMS, BODIES)
def test_windows_show_the_newest_that_pass(rooms, body):
    seen = look(read_asked(structure(SlidingSync, body), ME), rooms)
    ordered = sorted(rooms, key=lambda room: (-room.activity, room.room_id))
    limits = {}
    for name, asked in body["lists"].items():
        is_dm = asked.get("filters", {}).get("is_dm")
        passed = [r.room_id for r in ordered if is_dm in (None, r.is_dm)]
        ranges = asked.get("ranges", [[0, 99]])
        places = {n for low, high in ranges for n in range(low, high + 1)}
        shown = {room for n, room in enumerate(passed) if n in places}
        assert seen.counts[name] == len(passed)
        assert set(seen.windows[name]) == shown
        assert len(seen.windows[name]) == len(shown)
        for room in shown:
            limits.setdefault(room, []).append(asked["timeline_limit"])
            assert name in seen.lists_of(room)
    known = {room.room_id for room in rooms}
    for room, asked in body["room_subscriptions"].items():
        if room in known:
            limits.setdefault(room, []).append(asked["timeline_limit"])
    found = {room: wanted.timeline_limit for room, wanted in seen.rooms.items()}
    assert found == {room: max(several) for room, several in limits.items()}
