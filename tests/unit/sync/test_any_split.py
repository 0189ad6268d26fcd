from __future__ import annotations

from random import Random
from typing import Any

from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st

from chatproto.sync.reducers import Reducer
from chatproto.sync.store import ClientState

ME, ANN, BOB = "@me:x", "@ann:x", "@bob:x"
ROOMS = ("!a:x", "!b:x")
NOW = 1_000_000
Json = dict[str, Any]


@define
class World:
    """A server, by brute force: everything is read off the log, up to a position."""

    log: list[Json] = field(factory=list)

    # what happens

    def event(
        self, room: str, sender: str, kind: str, content: Json, **more: Any
    ) -> Json:
        seq = len(self.of(room)) + 1
        event = {
            "event_id": f"${room[1]}{seq}",
            "room_id": room,
            "sender": sender,
            "type": kind,
            "content": content,
            "origin_server_ts": seq,
            **more,
        }
        unsigned = {"org.chatproto.seq": seq, "org.chatproto.pos": len(self.log) + 1}
        event["unsigned"] = unsigned
        if kind == "m.room.redaction":
            target = next(
                e for e in self.of(room) if e["event_id"] == content["redacts"]
            )
            unsigned["org.chatproto.redacts"] = {
                "seq": seq_of(target),
                "counts": counts(target) and target not in self.redacted(room),
            }
        self.log.append({"event": event})
        return event

    def member(self, room: str, sender: str, user: str, membership: str) -> None:
        content = {"membership": membership, "displayname": user[1:4]}
        self.event(room, sender, "m.room.member", content, state_key=user)

    def other(self, kind: str, item: Json) -> None:
        self.log.append({kind: item})

    # what is then true

    def of(self, room: str, until: int | None = None) -> list[Json]:
        found = [entry.get("event") for entry in self.log[:until]]
        return [e for e in found if e is not None and e["room_id"] == room]

    def redacted(self, room: str, until: int | None = None) -> list[Json]:
        events = self.of(room, until)
        names = [e["content"]["redacts"] for e in events if is_redaction(e)]
        return [e for e in events if e["event_id"] in names]

    def changes_of_membership(self, room: str, until: int) -> list[Json]:
        found: list[Json] = []
        for event in self.of(room, until):
            own = event["type"] == "m.room.member" and event["state_key"] == ME
            now = event["content"].get("membership")
            if own and (not found or found[-1]["content"]["membership"] != now):
                found.append(event)
        return found

    def membership(self, room: str, until: int) -> str | None:
        changes = self.changes_of_membership(room, until)
        return changes[-1]["content"]["membership"] if changes else None

    def mine(self, kind: str, room: str, until: int) -> list[Json]:
        found = [entry[kind] for entry in self.log[:until] if kind in entry]
        return [item for item in found if item["room_id"] == room]

    def muted(self, room: str, until: int) -> bool:
        found = [
            d["content"]["muted"]
            for d in self.mine("account_data", room, until)
            if d["type"] == "org.chatproto.muted"
        ]
        return bool(found) and found[-1]

    def read_seq(self, room: str, until: int) -> int:
        own = [e for e in self.of(room, until) if e["sender"] == ME and lifts(e)]
        receipts = self.mine("receipt", room, until)
        return max(
            [seq_of(e) for e in own]
            + [seq_of(self.changes_of_membership(room, until)[-1])]
            + [
                r["seq"]
                for r in receipts
                if r["user_id"] == ME and r.get("thread_id") in (None, "main")
            ]
        )

    def unread(self, room: str, until: int) -> tuple[int, int]:
        if self.muted(room, until):
            return 0, 0
        read, redacted = self.read_seq(room, until), self.redacted(room, until)
        found = [
            e
            for e in self.of(room, until)
            if seq_of(e) > read
            and counts(e)
            and e["sender"] != ME
            and e not in redacted
        ]
        return len(found), sum(1 for e in found if is_highlight(e))

    def bump(self, room: str, until: int) -> int:
        last = self.changes_of_membership(room, until)[-1]
        if last["content"]["membership"] == "invite":
            return pos_of(last)  # what is said in there is not for the invited yet
        lifting = [e for e in self.of(room, until) if lifts(e) and e["sender"] != ME]
        return max(pos_of(e) for e in [last, *lifting])

    def order(self, until: int) -> list[str]:
        listed = [r for r in ROOMS if self.membership(r, until) in ("join", "invite")]
        return sorted(listed, key=lambda r: (-self.bump(r, until), r))

    # what it says

    def seen(self, event: Json, until: int) -> Json:
        """An event as it is told later: redacted ones without their content."""
        if event not in self.redacted(event["room_id"], until):
            return event
        kept = {"membership": event["content"].get("membership")}
        is_member = event["type"] == "m.room.member"
        unsigned = {**event["unsigned"], "redacted_because": {}}
        content = kept if is_member else {}
        if is_redaction(event):
            content = {"redacts": event["content"]["redacts"]}
        return {**event, "content": content, "unsigned": unsigned}

    def numbers(self, room: str, until: int) -> Json:
        count, highlights = self.unread(room, until)
        return {
            "read_seq": self.read_seq(room, until),
            "through": len(self.of(room, until)),
            "notification_count": count,
            "highlight_count": highlights,
        }

    def items(self, pos: int) -> list[Json]:
        """What is pushed when the entry at `pos` has happened."""
        entry = self.log[pos - 1]
        if "event" not in entry:
            (item,) = entry.values()
            room = item.get("room_id")
            if room is not None and self.membership(room, pos) != "join":
                return []
            own = item.get("user_id") == ME and "receipt" in entry
            muting = item.get("type") == "org.chatproto.muted"
            if own or muting:
                unread = {"room_id": room, **self.numbers(room, pos)}
                return [entry, {"unread": unread}]
            return [entry]
        room = entry["event"]["room_id"]
        before, after = self.membership(room, pos - 1), self.membership(room, pos)
        if before == "join":
            return [entry]
        if before != after:
            return [{"sync": self.body(pos - 1, pos)}]
        return []

    def body(self, since: int, until: int, limit: int = 1000) -> Json:
        rooms: Json = {"join": {}, "invite": {}, "leave": {}}
        for room in ROOMS:
            changes = self.changes_of_membership(room, until)
            if not changes:
                continue
            membership = changes[-1]["content"]["membership"]
            if membership == "join":
                section = self.join_section(room, since, until, limit)
            elif pos_of(changes[-1]) <= since or (membership == "leave" and not since):
                continue
            elif membership == "invite":
                section = {
                    "invite_state": {"events": [stripped(changes[-1])]},
                    "org.chatproto.room": {"bump": pos_of(changes[-1])},
                }
            else:
                section = self.timeline(room, since, pos_of(changes[-1]), limit)
            rooms[membership][room] = section
        presence = [e["presence"] for e in self.log[since:until] if "presence" in e]
        events = [{"sender": p["user_id"], "content": p} for p in presence]
        return {
            "next_batch": f"s{until}",
            "rooms": rooms,
            "presence": {"events": events},
        }

    def join_section(self, room: str, since: int, until: int, limit: int) -> Json:
        joined = self.changes_of_membership(room, until)[-1]
        initial = pos_of(joined) > since
        after = 0 if initial else since
        numbers = self.numbers(room, until)
        data = list(self.mine_since("account_data", room, after, until))
        ephemeral: list[Json] = []
        typing = self.mine_since("typing", room, after, until)
        if typing:
            content = {"user_ids": typing[-1]["user_ids"]}
            ephemeral.append({"type": "m.typing", "content": content})
        for r in self.mine_since("receipt", room, after, until):
            told = {"ts": r["ts"], "org.chatproto.seq": r["seq"]}
            if "thread_id" in r:
                told["thread_id"] = r["thread_id"]
            content = {r["event_id"]: {r["type"]: {r["user_id"]: told}}}
            ephemeral.append({"type": "m.receipt", "content": content})
        return {
            **self.timeline(room, after, until, limit),
            "ephemeral": {"events": ephemeral},
            "account_data": {"events": data},
            "unread_notifications": {
                "notification_count": numbers["notification_count"],
                "highlight_count": numbers["highlight_count"],
            },
            "org.chatproto.room": {
                "initial": initial,
                "bump": self.bump(room, until),
                "joined_seq": seq_of(joined),
                "read_seq": numbers["read_seq"],
                "through": numbers["through"],
            },
        }

    def mine_since(self, kind: str, room: str, after: int, until: int) -> list[Json]:
        return self.mine(kind, room, until)[len(self.mine(kind, room, after)) :]

    def timeline(self, room: str, after: int, until: int, limit: int) -> Json:
        found = [e for e in self.of(room, until) if pos_of(e) > after]
        shown = found[-limit:]
        first = seq_of(shown[0]) if shown else len(self.of(room, until)) + 1
        state = {
            (e["type"], e["state_key"]): self.seen(e, until)
            for e in self.of(room, until)
            if "state_key" in e and pos_of(e) > after
        }
        return {
            "state_after": {"events": list(state.values())},
            "timeline": {
                "events": [without_room(self.seen(e, until)) for e in shown],
                "limited": len(found) > limit,
                "prev_batch": f"t{first - 1}",
            },
        }

    def page(self, room: str, token: str, until: int, limit: int = 3) -> Json:
        start = int(token[1:])
        older = [e for e in self.of(room, until) if seq_of(e) <= start][-limit:]
        page: Json = {
            "chunk": [self.seen(e, until) for e in reversed(older)],
            "start": token,
        }
        if older and seq_of(older[0]) > 1:
            page["end"] = f"t{seq_of(older[0]) - 1}"
        return page


def seq_of(event: Json) -> int:
    seq: int = event["unsigned"]["org.chatproto.seq"]
    return seq


def pos_of(event: Json) -> int:
    pos: int = event["unsigned"]["org.chatproto.pos"]
    return pos


def is_redaction(event: Json) -> bool:
    return event["type"] == "m.room.redaction"


def lifts(event: Json) -> bool:
    edit = event["content"].get("m.relates_to", {}).get("rel_type") == "m.replace"
    return event["type"] == "m.room.message" and not edit


def counts(event: Json) -> bool:
    return lifts(event) and event["content"].get("msgtype") != "m.notice"


def is_highlight(event: Json) -> bool:
    mentioned = event["content"].get("m.mentions", {})
    # Ann made the rooms, and there are no power levels in them.
    called = mentioned.get("room") is True and event["sender"] == ANN
    return ME in mentioned.get("user_ids", []) or called


def stripped(event: Json) -> Json:
    return {k: event[k] for k in ("type", "state_key", "sender", "content")}


def without_room(event: Json) -> Json:
    return {key: value for key, value in event.items() if key != "room_id"}


# random worlds

WEIGHTS = {
    **dict.fromkeys(("say", "redact"), 10),
    **dict.fromkeys(("mention", "call", "edit", "react", "thread", "name"), 4),
    **dict.fromkeys(("notice", "reply", "receipt", "own_receipt", "private"), 2),
    **dict.fromkeys(("threaded", "typing", "mute", "unmute", "tag", "presence"), 1),
    **dict.fromkeys(("invite", "leave", "kick"), 1),
    "join": 4,
}
USERS = (ME, ANN, ANN, BOB, BOB)


def act(world: World, name: str, room: str, who: str, pick: int) -> None:
    events, here = world.of(room), len(world.log)
    membership = world.membership(room, here)
    if name in ("invite", "join", "leave", "kick"):
        change(world, name, room, membership)
        return
    if who == ME and membership != "join":
        who = ANN
    # Mostly a late one, so that what is unread is read, edited and redacted.
    target = events[-1 - min(pick % 10 * pick // 100, len(events) - 1)]
    if name in SAID:
        kind, content = SAID[name](target, pick)
        state = {"state_key": ""} if kind == "m.room.name" else {}
        world.event(room, who, kind, content, **state)
    elif name == "redact" and not is_redaction(target):
        if target["type"] not in ("m.room.create", "m.room.member"):
            content = {"redacts": target["event_id"]}
            world.event(room, who, "m.room.redaction", content)
    elif name == "presence":
        content = {"user_id": who, "presence": "online", "status_msg": f"at {pick}"}
        world.other("presence", content)
    elif membership == "join":
        of_room(world, name, room, who, target)


def change(world: World, name: str, room: str, membership: str | None) -> None:
    if name == "invite" and membership in (None, "leave"):
        world.member(room, ANN, ME, "invite")
    elif name == "join":
        world.member(room, ME, ME, "join")
    elif name in ("leave", "kick") and membership in ("join", "invite"):
        world.member(room, ME if name == "leave" else ANN, ME, "leave")


def of_room(world: World, name: str, room: str, who: str, target: Json) -> None:
    receipt = {
        "room_id": room,
        "user_id": who if name == "receipt" else ME,
        "type": "m.read.private" if name == "private" else "m.read",
        "event_id": target["event_id"],
        "seq": seq_of(target),
        "ts": len(world.log),
    }
    if name == "threaded":
        receipt["thread_id"] = target["event_id"]
    if name in ("receipt", "own_receipt", "private", "threaded"):
        key = "type", "user_id", "thread_id"
        known = world.mine("receipt", room, len(world.log))
        same = [r for r in known if all(r.get(k) == receipt.get(k) for k in key)]
        if all(r["seq"] < receipt["seq"] for r in same):
            world.other("receipt", receipt)
    elif name == "typing":
        world.other("typing", {"room_id": room, "user_ids": [who]})
    else:
        kind = "m.tag" if name == "tag" else "org.chatproto.muted"
        content = {"tags": {"m.favourite": {}}} if name == "tag" else {}
        muted = {"muted": name == "mute"} if name != "tag" else {}
        item = {"room_id": room, "type": kind, "content": {**content, **muted}}
        world.other("account_data", item)


def relates(target: Json, kind: str, **more: Any) -> Json:
    relates_to = {"rel_type": kind, "event_id": target["event_id"], **more}
    return {"m.relates_to": relates_to}


SAID = {
    "say": lambda t, n: ("m.room.message", {"msgtype": "m.text", "body": f"{n}"}),
    "notice": lambda t, n: ("m.room.message", {"msgtype": "m.notice"}),
    "mention": lambda t, n: ("m.room.message", {"m.mentions": {"user_ids": [ME]}}),
    "call": lambda t, n: ("m.room.message", {"m.mentions": {"room": True}}),
    "edit": lambda t, n: (
        "m.room.message",
        {"m.new_content": {"body": f"{n}!"}, **relates(t, "m.replace")},
    ),
    "react": lambda t, n: ("m.reaction", relates(t, "m.annotation", key=f"{n % 2}")),
    "thread": lambda t, n: ("m.room.message", relates(t, "m.thread")),
    "reply": lambda t, n: (
        "m.room.message",
        {"m.relates_to": {"m.in_reply_to": {"event_id": t["event_id"]}}},
    ),
    "name": lambda t, n: ("m.room.name", {"name": f"room {n}"}),
}


@st.composite
def worlds(draw: st.DrawFn) -> World:
    world = World()
    for room in ROOMS:
        world.event(room, ANN, "m.room.create", {}, state_key="")
        world.member(room, ANN, ANN, "join")
        world.member(room, BOB, BOB, "join")
        if room == ROOMS[0]:
            world.member(room, ME, ME, "join")
    # Drawn from a seed, for few of the worlds that Hypothesis likes have much unread;
    # the length still shrinks, for a longer world starts as the shorter one does.
    chance = Random(draw(st.integers(0, 2**32)))
    for _ in range(draw(st.sampled_from((5, 10, 20, 40, 60, 80)))):
        (name,) = chance.choices(list(WEIGHTS), list(WEIGHTS.values()))
        room, who = chance.choice(ROOMS), chance.choice(USERS)
        act(world, name, room, who, chance.randrange(100))
    return world


# ways to hear of them

STARTS = st.integers(7, 20)
ROUTES = st.lists(
    st.tuples(
        st.sampled_from(("items", "frame", "sync", "rewind")), st.integers(1, 12)
    ),
    min_size=2,
    max_size=12,
)
COUNT = Reducer(
    name="org.example.said",
    event_types=["m.room.message", "m.room.name"],
    initial=[],
    fold=lambda said, event: [*said, [event["event_id"], len(event["content"])]],
)


def begin(world: World, pos: int, limit: int = 1000) -> ClientState:
    state = ClientState(user_id=ME, reducers=(COUNT,))
    state.apply_sync(world.body(0, pos, limit), NOW)
    return state


def live(world: World, state: ClientState, pos: int, until: int) -> None:
    for each in range(pos + 1, until + 1):
        for item in world.items(each):
            state.apply(item, NOW)


def follow(
    world: World, state: ClientState, pos: int, route: list[Any], limit: int = 1000
) -> None:
    end = len(world.log)
    for way, steps in [*route, ("frame", end)]:
        until = min(end, pos + steps)
        if way == "items":
            live(world, state, pos, until)
        elif way == "frame":
            push = [i for p in range(pos + 1, until + 1) for i in world.items(p)]
            state.apply_frame({"at": f"s{until}", "push": push}, NOW)
        elif way == "sync":
            state.apply_sync(world.body(pos, until, limit), NOW)
        else:
            until = max(0, pos - steps)
        pos = max(until, 7)
        state.picture()  # looking changes nothing


def known(state: ClientState) -> Json:
    """The picture without rooms that were left: of those, less is told later."""
    picture = state.picture()
    listed = picture["rooms"].items()
    there = {r: room for r, room in listed if room["membership"] != "leave"}
    return {**picture, "rooms": there}


@settings(max_examples=150, deadline=None)
@given(world=worlds(), start=STARTS)
def test_live_items_equal_the_model(world: World, start: int) -> None:
    end = len(world.log)
    start = min(start, end)
    state = begin(world, start)
    live(world, state, start, end)
    assert state.chat_list() == world.order(end)
    for room_id in ROOMS:
        if world.membership(room_id, end) == "join":
            room = state.rooms[room_id]
            assert room.counts() == world.unread(room_id, end)
            assert room.read_seq == world.read_seq(room_id, end)
            assert room.bump == world.bump(room_id, end)


@settings(max_examples=300, deadline=None)
@given(world=worlds(), start=STARTS, route=ROUTES)
def test_any_split_and_repetition_ends_in_same_state(
    world: World, start: int, route: list[Any]
) -> None:
    end = len(world.log)
    start = min(start, end)
    expected, state = begin(world, start), begin(world, start)
    live(world, expected, start, end)
    follow(world, state, start, route)
    assert known(state) == known(expected)


@settings(max_examples=150, deadline=None)
@given(world=worlds(), start=STARTS, route=ROUTES)
def test_snapshot_equals_fold_of_pushes(
    world: World, start: int, route: list[Any]
) -> None:
    end = len(world.log)
    start = min(start, end)
    state = begin(world, start)
    follow(world, state, start, route)
    assert known(state) == known(begin(world, end))


@settings(max_examples=300, deadline=None)
@given(world=worlds(), start=STARTS, route=ROUTES, limit=st.integers(1, 4))
def test_limited_timelines_are_whole_once_paged(
    world: World, start: int, route: list[Any], limit: int
) -> None:
    end = len(world.log)
    start = min(start, end)
    state = begin(world, start, limit)
    follow(world, state, start, route, limit)
    for room_id in world.order(end):
        if world.membership(room_id, end) == "join":
            count, _ = state.rooms[room_id].counts()
            assert count == world.unread(room_id, end)[0]
            page_all(world, state, room_id)
    assert state.chat_list() == world.order(end)
    assert without_highlights(state) == without_highlights(begin(world, end))


def page_all(world: World, state: ClientState, room_id: str) -> None:
    timeline = state.rooms[room_id].timeline
    while gaps := timeline.gaps():
        state.apply_history(room_id, world.page(room_id, gaps[0].token, len(world.log)))
    while token := timeline.before():
        state.apply_history(room_id, world.page(room_id, token, len(world.log)))


def without_highlights(state: ClientState) -> Json:
    # What a redacted message that was never seen had mentioned is not told.
    rooms = known(state)["rooms"]
    return {
        room_id: {k: v for k, v in room.items() if k != "highlight_count"}
        for room_id, room in rooms.items()
    }
