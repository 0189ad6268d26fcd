"""The broker of a server that is one process."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from attrs import define, field

Receive: TypeAlias = Callable[[Mapping[str, Any]], None]


@define(eq=False)
class LocalBroker:
    """Hands what is published to who has subscribed, at once and in order."""

    _receivers: dict[str, list[Receive]] = field(factory=lambda: defaultdict(list))

    def publish(self, topic: str, message: Mapping[str, Any]) -> None:
        for receive in tuple(self._receivers.get(topic, ())):
            receive(message)

    def subscribe(self, topic: str, receive: Receive) -> None:
        self._receivers[topic].append(receive)
