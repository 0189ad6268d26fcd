"""Files that are announced before they are uploaded."""

from __future__ import annotations

from chatproto.decisions import (
    Caller,
    Decides,
    Decision,
    Delete,
    Find,
    Handler,
    Needs,
    Put,
    View,
    Write,
)
from chatproto.errors import MatrixError
from chatproto.ids import MxcUri
from chatproto.operations import media as ops
from chatproto.server.tokens import make_token

# The specification's recommendation; whoever has a bad line finds a better one.
UNUSED_MS = 24 * 3_600_000
MAX_ANNOUNCED = 20
MEDIA_ID_BYTES = 18


def announced_by(caller: Caller, _request: ops.AnnounceUpload) -> Needs:
    mine = Find(table="media_pending", where={"user_id": caller.user})
    return Needs(rows={"announced": mine})


def announce(view: View, _request: ops.AnnounceUpload) -> Decision:
    known = view.rows["announced"]
    waiting = [row for row in known if row["expires_ts"] > view.now_ms]
    if len(waiting) >= MAX_ANNOUNCED:
        raise MatrixError(
            "M_LIMIT_EXCEEDED",
            f"{MAX_ANNOUNCED} files are announced and not uploaded yet",
            retry_after_ms=min(row["expires_ts"] for row in waiting) - view.now_ms,
        )
    media_id = make_token("", view.random(MEDIA_ID_BYTES))
    expires_ts = view.now_ms + UNUSED_MS
    row = {
        "media_id": media_id,
        "user_id": view.caller.user,
        "expires_ts": expires_ts,
    }
    writes: list[Write] = [Put(table="media_pending", row=row)]
    for old in known:
        if old not in waiting:
            where = {"media_id": old["media_id"]}
            writes.append(Delete(table="media_pending", where=where))
    uri = MxcUri(f"mxc://{view.server}/{media_id}")
    reply = ops.Announced(content_uri=uri, unused_expires_at=expires_ts)
    return Decision(writes=tuple(writes), reply=reply)


HANDLERS: tuple[Handler, ...] = (Decides(ops.ANNOUNCE_UPLOAD, announce, announced_by),)
