"""What modules of a server add to its clients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from chatproto import module
from chatproto.module import Module
from chatproto.operations.declare import OperationTable
from chatproto.sync.policy import DEFAULT_POLICY, Policy
from chatproto.sync.reducers import Reducer

AnyReducer: TypeAlias = Reducer | module.Reducer


def operations_with(
    operations: OperationTable, modules: Sequence[Module]
) -> OperationTable:
    """The table with the modules' operations. Raises TypeError if names clash."""
    known = operations.by_name
    added = (op for m in modules for op in m.operations if op.name not in known)
    return operations.with_operations(tuple(added))


def policy_with(modules: Sequence[Module]) -> Policy:
    """What lifts and counts, the modules' types of events included."""
    declared = Policy.of(event for m in modules for event in m.events)
    return Policy(
        lifting=DEFAULT_POLICY.lifting | declared.lifting,
        counting=DEFAULT_POLICY.counting | declared.counting,
    )


def reducers_of(
    modules: Sequence[Module], more: Sequence[AnyReducer]
) -> tuple[Reducer, ...]:
    """The reducers of modules, and others, as the client's state wants them."""
    found: list[AnyReducer] = [r for m in modules for r in m.reducers]
    return tuple(_reducer(reducer) for reducer in (*found, *more))


def _reducer(given: AnyReducer) -> Reducer:
    return Reducer(
        name=given.name,
        event_types=given.event_types,  # type: ignore[arg-type]  # mypy loses the converter's type
        initial=given.initial,
        fold=given.fold,
    )
