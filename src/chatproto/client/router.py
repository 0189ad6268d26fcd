"""What a bot reacts to: commands, messages and events, and by which handlers."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeAlias, get_args

from attrs import define, field, frozen

from chatproto.canonical import JsonObject
from chatproto.errors import LocalError

if TYPE_CHECKING:
    from chatproto.client.message import Message

Handler: TypeAlias = Callable[..., Awaitable[None]]
Filter: TypeAlias = Callable[["Message"], bool]
EventFilter: TypeAlias = Callable[[JsonObject], bool]


def everything(_given: object) -> bool:
    """The filter that lets everything through."""
    return True


@frozen
class Command:
    """A handler called by a word, with its arguments read by their annotations."""

    name: str
    handler: Handler
    wanted: Filter = everything

    @property
    def usage(self) -> str:
        shown = [f"[{p.name}]" if _optional(p) else p.name for p in self._parameters()]
        return " ".join([f"!{self.name}", *shown])

    @property
    def help(self) -> str:
        return (inspect.getdoc(self.handler) or "").partition("\n")[0]

    def words(self, text: str) -> list[str]:
        """The text after the name, cut up; the last argument gets all that is left."""
        parameters = self._parameters()
        if parameters and _kind(parameters[-1]) is str:
            return text.split(maxsplit=len(parameters) - 1)
        return text.split()

    def arguments(self, words: list[str]) -> list[Any]:
        """Raises ValueError, naming the argument."""
        parameters = self._parameters()
        needed = sum(not _optional(parameter) for parameter in parameters)
        if not needed <= len(words) <= len(parameters):
            raise ValueError(f"it takes {self.usage}")
        return [_read(p, w) for p, w in zip(parameters, words, strict=False)]

    def _parameters(self) -> list[inspect.Parameter]:
        signature = inspect.signature(self.handler, eval_str=True)
        return list(signature.parameters.values())[1:]


@define(eq=False)
class Router:
    """Handlers that a bot can include."""

    commands: dict[str, Command] = field(factory=dict)
    messages: list[tuple[Filter, Handler]] = field(factory=list)
    events: list[tuple[str, EventFilter, Handler]] = field(factory=list)

    def command(
        self, name: str, wanted: Filter = everything
    ) -> Callable[[Handler], Handler]:
        """Call a handler for `!name`, with the message and the arguments it takes.

        A message that does not pass the filter is none for this command. Raises
        LocalError if the name is taken.
        """

        def add(handler: Handler) -> Handler:
            if name in self.commands:
                raise LocalError(f"there is a command {name!r} already")
            self.commands[name] = Command(name, handler, wanted)
            return handler

        return add

    def message(self, wanted: Filter = everything) -> Callable[[Handler], Handler]:
        """Call a handler for each message that passes a filter and is no command."""

        def add(handler: Handler) -> Handler:
            self.messages.append((wanted, handler))
            return handler

        return add

    def on(
        self, event_type: str, wanted: EventFilter = everything
    ) -> Callable[[Handler], Handler]:
        """Call a handler with (session, event) for each event of a type.

        The event is JSON in client format, with `room_id`.
        """

        def add(handler: Handler) -> Handler:
            self.events.append((event_type, wanted, handler))
            return handler

        return add

    def include(self, other: Router) -> None:
        """Take over another router's handlers. Raises LocalError for a name taken."""
        for command in other.commands.values():
            self.command(command.name, command.wanted)(command.handler)
        self.messages += other.messages
        self.events += other.events

    def help(self) -> str:
        """The commands, with what they take and do."""
        commands = sorted(self.commands.values(), key=lambda command: command.name)
        return "\n".join(
            f"{c.usage} - {c.help}" if c.help else c.usage for c in commands
        )


def _kind(parameter: inspect.Parameter) -> Any:
    annotation = parameter.annotation
    if annotation is inspect.Parameter.empty:
        return str
    choices = [kind for kind in get_args(annotation) if kind is not type(None)]
    return choices[0] if choices else annotation


def _optional(parameter: inspect.Parameter) -> bool:
    return parameter.default is not inspect.Parameter.empty


def _read(parameter: inspect.Parameter, word: str) -> Any:
    kind = _kind(parameter)
    try:
        return kind(word)
    except ValueError:
        message = f"{parameter.name} is not a {kind.__name__}: {word!r}"
        raise ValueError(message) from None
