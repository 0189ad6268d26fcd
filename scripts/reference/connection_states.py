"""How far a connection has got, and what may be said then."""

from __future__ import annotations

from chatproto.wire.ws import TRANSITIONS, Role, State
from scripts.reference.markdown import code, table

_STATES = {
    State.IDLE: "nothing has been said",
    State.GREETED: "the client has said hello",
    State.OPEN: "the server has welcomed it",
    State.DRAINING: "the server has said goodbye; what is under way ends",
    State.CLOSED: "it is over",
}
_INTRO = """# The states of a connection

One table holds for both ends of [a socket](../protocol/socket.md). Who tries to send what
is not in it gets `LocalError`; who receives it, `RemoteError`, and closes. A connection
that breaks or is closed is `CLOSED` from any state.
"""


def page() -> str:
    return f"{_INTRO}\n{_diagram()}\n{_by_state()}\n## Every step\n\n{_steps()}"


def _diagram() -> str:
    edges: dict[tuple[State, State], list[str]] = {}
    for (state, role, frame), following in TRANSITIONS.items():
        told = f"{_name(frame)} ({role.value})"
        edges.setdefault((state, following), []).append(told)
    for state in State:
        if state is not State.CLOSED:
            edges.setdefault((state, State.CLOSED), []).append("closed")
    lines = [
        f"    {start.name} --> {end.name}: {', '.join(told)}"
        for (start, end), told in edges.items()
    ]
    drawn = "\n".join(["    [*] --> IDLE", *lines, "    CLOSED --> [*]"])
    return f"```mermaid\nstateDiagram-v2\n{drawn}\n```\n"


def _by_state() -> str:
    rows = [
        (state.name, words, _sends(state, Role.CLIENT), _sends(state, Role.SERVER))
        for state, words in _STATES.items()
    ]
    head = ("state", "meaning", "the client may send", "the server may send")
    return table(head, rows)


def _sends(state: State, role: Role) -> str:
    names = [_name(f) for at, who, f in TRANSITIONS if (at, who) == (state, role)]
    return code(*names) or "nothing"


def _steps() -> str:
    rows = [
        (state.name, role.value, code(_name(frame)), following.name)
        for (state, role, frame), following in TRANSITIONS.items()
    ]
    return table(("state", "who sends", "frame", "next"), rows)


def _name(frame: type) -> str:
    return frame.__name__.removesuffix("Frame").lower()
