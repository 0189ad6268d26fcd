"""The clock of the machine."""

from __future__ import annotations

import time


class SystemClock:
    """Time of day in milliseconds, and a steady clock in seconds."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()
