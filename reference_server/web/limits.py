"""What a stranger may cost this server before and after it knows them."""

from __future__ import annotations

from attrs import frozen

KIB = 1024
MIB = 1024 * KIB


@frozen(kw_only=True)
class HttpLimits:
    """Bounds of requests; sizes in bytes, times in seconds.

    `upload_paths` are the beginnings of the paths whose bodies are files: they may
    be larger, and take as long as something keeps arriving. `drain_*` bound what is
    read of a body that nobody wants, to keep the connection; `linger_seconds` is how
    long a refused peer may go on sending before the connection is cut.
    `trusted_hops` is the number of reverse proxies whose X-Forwarded-For is believed.
    """

    head_bytes: int = 16 * KIB
    head_seconds: float = 5
    json_bytes: int = 256 * KIB
    upload_bytes: int = 50 * MIB
    upload_paths: tuple[str, ...] = (
        "/_matrix/media/v3/upload",
        "/_matrix/media/r0/upload",
    )
    body_idle_seconds: float = 10
    body_seconds: float = 60
    drain_bytes: int = 256 * KIB
    drain_seconds: float = 1
    linger_seconds: float = 2
    keep_alive_seconds: float = 30
    trusted_hops: int = 0

    def is_upload(self, path: str) -> bool:
        return path.startswith(self.upload_paths)


@frozen(kw_only=True)
class SocketLimits:
    """Bounds of WebSocket connections; sizes in bytes, times in seconds.

    A socket whose backlog is `outbox_bytes` long or `outbox_seconds` old takes no
    more. A Ping is due every `ping_seconds`, give or take a quarter; a peer that
    gives no sign of life for `pong_seconds` after it is cut off.
    """

    message_bytes: int = 128 * KIB
    frames_per_second: float = 100
    frame_burst: float = 400
    strangers_per_address: int = 20
    outbox_bytes: int = 256 * KIB
    outbox_seconds: float = 10
    ping_seconds: float = 30
    pong_seconds: float = (
        60  # a reader that stalls for a minute is still there after it
    )
    close_seconds: float = 1.5
    sweep_seconds: float = 1


class FrameBucket:
    """A token bucket: so many frames a second, and so many at once."""

    __slots__ = ("_at", "_limits", "_tokens")

    def __init__(self, limits: SocketLimits, now: float) -> None:
        self._limits = limits
        self._tokens = limits.frame_burst
        self._at = now

    def take(self, frames: int, now: float) -> bool:
        """Pay for frames at a time in seconds; False when it is not enough."""
        gained = (now - self._at) * self._limits.frames_per_second
        self._tokens = min(self._limits.frame_burst, self._tokens + gained) - frames
        self._at = now
        return self._tokens >= 0
