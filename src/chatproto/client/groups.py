"""The one error within a group of them, where there is just one."""

from __future__ import annotations

from collections.abc import Iterator

import trio


def errors_in(error: BaseException) -> Iterator[BaseException]:
    """An error itself, or those in a group and in the groups in it."""
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from errors_in(each)
    else:
        yield error


def only_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """What to raise for a group: its one error, or the group if there are several."""
    found = {id(e): e for e in errors_in(group) if not isinstance(e, trio.Cancelled)}
    return next(iter(found.values())) if len(found) == 1 else group
