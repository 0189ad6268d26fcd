"""When to try again: exponential backoff with full jitter, and what close codes ask."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, frozen

# docs/protocol/socket.md, "Closing".
LOGIN_CODES = frozenset((4401,))
FATAL_CODES = frozenset((1002, 1003, 1007, 1009, 4400, 4409))
BACK_OFF_CODES = frozenset((1008, 1011, 4429))


@frozen
class Backoff:
    """`base_s` doubles with each failure up to `cap_s`; the wait is a random part of it.

    `random` gives a number in [0, 1). (AWS Architecture Blog, "Exponential Backoff and
    Jitter": full jitter spreads a crowd best.)
    """

    random: Callable[[], float]
    base_s: float = 0.5
    cap_s: float = 30.0

    def wait_s(self, failures: int) -> float:
        """How long to wait after so many failures in a row."""
        return self.random() * min(self.cap_s, self.base_s * 2.0 ** min(failures, 16))


@define
class Reconnect:
    """Decides, after each connection that ended, whether and when to try again."""

    backoff: Backoff
    failures: int = 0

    def succeeded(self) -> None:
        self.failures = 0

    def after(self, code: int | None, then: str | None) -> float | None:
        """Seconds to wait before the next try; None: not again.

        `code` is the close code (None: no connection), `then` what a goodbye asked.
        """
        if then == "login" or code in LOGIN_CODES or code in FATAL_CODES:
            return None
        resume = then == "resume" or code in (1000, 1001, 1012)
        if resume and self.failures == 0:
            self.failures = 1
            return self.backoff.random() * self.backoff.base_s
        return self.failed()

    def failed(self) -> float:
        """Seconds to wait after a failure."""
        self.failures += 1
        return self.backoff.wait_s(self.failures)
