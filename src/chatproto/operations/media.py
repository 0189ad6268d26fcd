"""Files. Their bytes travel over HTTP only, streamed by hand-written routes."""

from __future__ import annotations

from attrs import field, frozen

from chatproto.ids import MxcUri, ServerName
from chatproto.operations.codec import wire
from chatproto.operations.declare import Call, Operation, Rate


@frozen(kw_only=True)
class Uploaded:
    content_uri: MxcUri


@frozen(kw_only=True)
class Upload(Call[Uploaded]):
    """Store a file: the body is its bytes, the Content-Type header its type."""

    filename: str | None = None


@frozen(kw_only=True)
class Download(Call[bytes]):
    """Get a file's bytes."""

    origin: ServerName
    media_id: str


@frozen(kw_only=True)
class DownloadNamed(Call[bytes]):
    """Get a file's bytes, to be saved under the given name."""

    origin: ServerName
    media_id: str
    filename: str


@frozen(kw_only=True)
class MediaConfig:
    """`upload_size` is in bytes."""

    upload_size: int = field(metadata=wire("m.upload.size"))


@frozen(kw_only=True)
class GetMediaConfig(Call[MediaConfig]):
    """Tell how large a file may be."""


_V1 = "/_matrix/client/v1/media"

UPLOAD = Operation(
    name="media.upload",
    http="POST /_matrix/media/v3/upload",
    aliases=("/_matrix/media/r0/upload",),
    query=("filename",),
    request=Upload,
    response=Uploaded,
    rate=Rate.MEDIA,
    by_hand=True,
    errors=("M_TOO_LARGE",),
)
DOWNLOAD = Operation(
    name="media.download",
    http=f"GET {_V1}/download/{{origin}}/{{media_id}}",
    request=Download,
    response=bytes,
    by_hand=True,
    errors=("M_NOT_FOUND",),
)
DOWNLOAD_NAMED = Operation(
    name="media.download_named",
    http=f"GET {_V1}/download/{{origin}}/{{media_id}}/{{filename}}",
    request=DownloadNamed,
    response=bytes,
    by_hand=True,
    errors=("M_NOT_FOUND",),
)
GET_MEDIA_CONFIG = Operation(
    name="media.config",
    http=f"GET {_V1}/config",
    aliases=("/_matrix/media/v3/config",),
    request=GetMediaConfig,
    response=MediaConfig,
)

OPERATIONS = (UPLOAD, DOWNLOAD, DOWNLOAD_NAMED, GET_MEDIA_CONFIG)
