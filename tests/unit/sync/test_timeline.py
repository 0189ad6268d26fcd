from __future__ import annotations

from typing import Any

import pytest

from chatproto.sync.timeline import Gap, Timeline


def event(seq: int, kind: str = "m.room.message", **content: Any) -> dict[str, Any]:
    return {
        "event_id": f"${seq}",
        "type": kind,
        "sender": "@a:x",
        "content": content,
        "unsigned": {"org.chatproto.seq": seq},
    }


def edit(seq: int, target: int) -> dict[str, Any]:
    relates_to = {"rel_type": "m.replace", "event_id": f"${target}"}
    content = {"m.new_content": {"body": "new"}, "m.relates_to": relates_to}
    return event(seq, **content)


@pytest.mark.parametrize(
    ("covered", "gaps", "before"),
    [
        ([(1, 5)], [], None),
        ([(4, 5)], [], "t3"),
        ([(1, 3), (4, 6)], [], None),
        ([(1, 3), (6, 8)], [Gap(4, 5)], None),
        ([(6, 8), (1, 3), (4, 5)], [], None),
        ([(1, 2), (4, 4), (6, 8)], [Gap(3, 3), Gap(5, 5)], None),
        ([(2, 8), (4, 5)], [], "t1"),
        ([(3, 2)], [], "t9"),
    ],
    ids=["all", "tail", "touching", "gap", "filled", "two-gaps", "within", "nothing"],
)
def test_ranges_make_gaps(
    covered: list[tuple[int, int]], gaps: list[Gap], before: str | None
) -> None:
    timeline = Timeline(head=9)
    for first, last in covered:
        timeline.cover(first, last)
    assert list(timeline.gaps()) == gaps
    assert timeline.before() == before


def test_gap_is_paged_from_its_end() -> None:
    assert Gap(4, 7).token == "t7"


def test_events_are_ordered_by_seq() -> None:
    timeline = Timeline()
    for seq in (5, 7, 6, 2):
        timeline.add(event(seq))
    assert [e["event_id"] for e in timeline.events()] == ["$2", "$5", "$6", "$7"]
    assert timeline.latest() == event(7)
    assert timeline.seq("$6") == 6


def test_edit_and_its_redaction_update_the_target() -> None:
    timeline = Timeline()
    timeline.add(event(1, body="old"))
    assert timeline.add(edit(2, 1)) == ("$1",)
    assert timeline.relations.edit(event(1)) is not None
    assert timeline.add(event(3, "m.room.redaction", redacts="$2")) == ("$2", "$1")
    assert timeline.relations.edit(event(1)) is None


def test_redaction_before_its_target_is_held() -> None:
    timeline = Timeline()
    timeline.add(event(3, "m.room.redaction", redacts="$2"))
    timeline.add(edit(2, 1))
    assert timeline.event("$2") == event(2)
    assert timeline.relations.edit(event(1)) is None


def test_trimmed_events_can_be_paged_again() -> None:
    timeline = Timeline(head=5)
    for seq in range(1, 6):
        timeline.add(event(seq))
    timeline.cover(1, 5)
    timeline.trim(2)
    assert [e["event_id"] for e in timeline.events()] == ["$4", "$5"]
    assert timeline.before() == "t3"
    assert timeline.add(event(3)) == ()
    timeline.cover(1, 3)
    assert timeline.before() is None


def test_trimming_less_than_kept_changes_nothing() -> None:
    timeline = Timeline(head=1)
    timeline.add(event(1))
    timeline.cover(1, 1)
    timeline.trim(5)
    assert (len(timeline), timeline.before()) == (1, None)
