from __future__ import annotations

from itertools import product

import pytest

from chatproto.errors import MatrixError
from chatproto.rooms.auth_rules import Denied, check
from chatproto.rooms.membership import TRANSITIONS, Step, next_membership
from chatproto.rooms.version import V11

MEMBERSHIPS = ("leave", "invite", "knock", "join", "ban")
BY_ONESELF = {Step.JOIN, Step.KNOCK, Step.LEAVE}
ADMIN, USER = "@ann:hub.example", "@new:hub.example"
CONTENT = {
    Step.JOIN: "join",
    Step.KNOCK: "knock",
    Step.LEAVE: "leave",
    Step.INVITE: "invite",
    Step.KICK: "leave",
    Step.BAN: "ban",
    Step.UNBAN: "leave",
}
# The rules know no names for removing somebody: one may "kick" the banned, which is to
# lift the ban, and those who are not there, which is nothing.
UNNAMED = {
    ("leave", Step.KICK),
    ("ban", Step.KICK),
    *((membership, Step.UNBAN) for membership in MEMBERSHIPS if membership != "ban"),
}

ROWS = [
    pytest.param(current, step, id=f"{current}-{step.value}")
    for current, step in product(MEMBERSHIPS, Step)
]


@pytest.mark.parametrize(("current", "step"), ROWS)
def test_row_agrees_with_the_rules(scene, make_event, current, step):
    scene.member("new", current)
    sender = USER if step in BY_ONESELF else ADMIN
    content = {"membership": CONTENT[step]}
    asked = make_event("m.room.member", sender, content, USER)
    allowed = False
    for rule in ("public", "knock"):
        scene.join_rule(rule)
        try:
            check(asked, scene.state, V11)
        except Denied:
            continue
        allowed = True
    if (current, step) in UNNAMED:
        assert (current, step) not in TRANSITIONS
    else:
        assert ((current, step) in TRANSITIONS) is allowed


@pytest.mark.parametrize(("current", "step"), ROWS)
def test_step_leads_where_its_event_says(current, step):
    if (current, step) in TRANSITIONS:
        assert next_membership(current, step) == CONTENT[step]
        return
    with pytest.raises(MatrixError, match=current) as caught:
        next_membership(current, step)
    assert caught.value.errcode == "M_FORBIDDEN"
