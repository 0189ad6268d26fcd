"""The state of a room as a client needs it, kept from the original JSON."""

from __future__ import annotations

from collections import Counter

from attrs import define, field, frozen

from chatproto.canonical import JsonObject
from chatproto.ids import EventId, UserId
from chatproto.sync.fields import child, content_of, number, seq_of, text, texts
from chatproto.sync.policy import may_call_room
from chatproto.sync.redacted import redacted

MEMBER = "m.room.member"
NAMED_HEROES = 5


@frozen(kw_only=True)
class Member:
    """`name` is what others are shown; with the ID where two have the same name."""

    user_id: UserId
    membership: str
    name: str
    avatar_url: str | None = None


@define(eq=False)
class State:
    """State events by type and state key; of two for one place, the newer by seq."""

    _events: dict[str, dict[str, JsonObject]] = field(factory=dict)
    _names: Counter[str] | None = None

    def apply(self, event: JsonObject) -> bool:
        """Whether the event is the newer one."""
        kind, key = str(event.get("type")), text(event, "state_key") or ""
        of_type = self._events.setdefault(kind, {})
        known = of_type.get(key)
        if known is not None and (seq_of(event) or 0) <= (seq_of(known) or 0):
            return False
        of_type[key] = event
        if kind == MEMBER:
            self._names = None
        return True

    def redact(self, event_id: EventId) -> bool:
        """Whether the redacted event is in the state."""
        for kind, of_type in self._events.items():
            for key, event in of_type.items():
                if event.get("event_id") == event_id:
                    of_type[key] = redacted(event)
                    if kind == MEMBER:
                        self._names = None
                    return True
        return False

    def event(self, kind: str, key: str = "") -> JsonObject | None:
        return self._events.get(kind, {}).get(key)

    def content(self, kind: str, key: str = "") -> JsonObject:
        """The content of a piece of state, empty if there is none."""
        event = self.event(kind, key)
        return {} if event is None else content_of(event)

    def of_type(self, kind: str) -> dict[str, JsonObject]:
        """The state events of a type by state key."""
        return self._events.get(kind, {})

    # what clients show

    @property
    def name(self) -> str | None:
        return text(self.content("m.room.name"), "name") or None

    @property
    def alias(self) -> str | None:
        return text(self.content("m.room.canonical_alias"), "alias") or None

    @property
    def topic(self) -> str | None:
        return text(self.content("m.room.topic"), "topic") or None

    @property
    def avatar_url(self) -> str | None:
        return text(self.content("m.room.avatar"), "url") or None

    @property
    def join_rule(self) -> str:
        return text(self.content("m.room.join_rules"), "join_rule") or "invite"

    @property
    def pinned(self) -> tuple[EventId, ...]:
        """The pinned events, as the room has ordered them."""
        found = texts(self.content("m.room.pinned_events"), "pinned")
        return tuple(EventId(e) for e in found)

    @property
    def is_encrypted(self) -> bool:
        return self.event("m.room.encryption") is not None

    @property
    def replacement(self) -> str | None:
        """The room that replaced this one."""
        return text(self.content("m.room.tombstone"), "replacement_room") or None

    @property
    def creator(self) -> str | None:
        create = self.event("m.room.create")
        return None if create is None else text(create, "sender")

    # members

    def membership(self, user_id: UserId) -> str | None:
        return text(self.content(MEMBER, user_id), "membership")

    def members(self, *memberships: str) -> tuple[UserId, ...]:
        """The users of whom one of these holds, ordered by ID."""
        found = self._events.get(MEMBER, {}).items()
        return tuple(
            sorted(
                UserId(user_id)
                for user_id, event in found
                if text(content_of(event), "membership") in memberships
            )
        )

    def member(self, user_id: UserId) -> Member:
        """A user as members of the room see them, also if they have left it."""
        content = self.content(MEMBER, user_id)
        name = text(content, "displayname") or user_id
        if name != user_id and self._name_counts()[name] > 1:
            name = f"{name} ({user_id})"
        return Member(
            user_id=user_id,
            membership=text(content, "membership") or "leave",
            name=name,
            avatar_url=text(content, "avatar_url") or None,
        )

    def power(self, user_id: UserId) -> int:
        """A user's power level."""
        levels = self.event("m.room.power_levels")
        if levels is None:
            return 100 if user_id == self.creator else 0
        content = content_of(levels)
        level = number(child(content, "users"), user_id)
        return level if level is not None else number(content, "users_default") or 0

    def may_call_room(self, sender: str) -> bool:
        """Whether a sender's mention of the whole room is heard."""
        levels = self.event("m.room.power_levels")
        content = None if levels is None else content_of(levels)
        return may_call_room(content, self.creator, sender)

    def picture(self) -> JsonObject:
        return {
            kind: {key: content_of(event) for key, event in sorted(of_type.items())}
            for kind, of_type in sorted(self._events.items())
            if of_type
        }

    def _name_counts(self) -> Counter[str]:
        if self._names is None:
            present = (self.content(MEMBER, u) for u in self.members("join", "invite"))
            names = (text(content, "displayname") for content in present)
            self._names = Counter(name for name in names if name)
        return self._names


def display_name(state: State, own: UserId, heroes: tuple[UserId, ...] = ()) -> str:
    """What a room is called: its name, its alias, or the names of the others in it.

    The text is in no language: names are joined by commas, and `+3` stands for three
    more. `heroes` are taken where not all members are known (specification, room
    naming). It is "" for a room with nobody and no name.
    """
    if state.name or state.alias:
        return state.name or state.alias or ""
    others = [u for u in heroes or state.members("join", "invite") if u != own]
    if not others:
        others = [u for u in state.members("leave", "ban") if u != own]
    named = ", ".join(state.member(u).name for u in others[:NAMED_HEROES])
    more = len(others) - NAMED_HEROES
    return f"{named} +{more}" if more > 0 else named
