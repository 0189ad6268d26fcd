from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatproto.server.sliding.connection import KnownRoom
from chatproto.server.sliding.plan import changed, cut, digests, plan
from chatproto.server.sliding.wanted import RoomWanted, WantedState

# How many events came, and how many are wanted, each time.
ASKS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=12)


@given(ASKS, st.sets(st.integers(1, 60)))
def test_client_has_all_from_first_on(asks, hidden):
    known, head, has = None, 3, []
    for come, limit in asks:
        head += come
        todo = plan(known, RoomWanted(limit, WantedState()), "join", head)
        visible = [seq for seq in range(head, 0, -1) if seq not in hidden]
        after = 0 if todo.expands else todo.start
        newest = [seq for seq in visible if seq > after][: limit + 1]
        sent = cut(todo, newest)
        shown = list(reversed(newest[: sent.count]))
        if todo.initial or sent.expanded or sent.limited:
            has = shown
        else:
            assert not set(shown) & set(has)
            has += shown
        known = todo.after(sent, {}, frozenset())
        assert has == [seq for seq in reversed(visible) if seq >= known.first]
        assert has[-limit:] == list(reversed(visible))[-limit:] or limit == 0
        assert known.through == head
        again = plan(known, RoomWanted(limit, WantedState()), "join", head)
        assert again.is_empty


@pytest.mark.parametrize("was", ["invite", "knock"])
def test_room_that_is_joined_is_told_anew(was):
    wanted = RoomWanted(1, WantedState())
    known = KnownRoom(membership=was, first=0, through=5, wanted=wanted, fields={})
    todo = plan(known, wanted, "join", 9)
    assert todo.initial
    assert todo.start == 0


FIELDS = st.dictionaries(
    st.sampled_from("abc"), st.none() | st.booleans() | st.integers(0, 2) | st.text()
)


@given(FIELDS, FIELDS)
def test_changed_fields_make_the_newer(old, new):
    new = {**dict.fromkeys(old), **new}
    known = changed(old, None)
    known |= changed(new, digests(old))
    assert {k: v or None for k, v in known.items() if v} == {
        k: v or None for k, v in new.items() if v
    }
    assert changed(new, digests(new)) == {}
