"""Files. Their bytes travel over HTTP only, streamed by hand-written routes."""

from __future__ import annotations

from attrs import field, frozen

from chatproto.canonical import JsonObject
from chatproto.ids import MxcUri, ServerName
from chatproto.operations.codec import wire
from chatproto.operations.declare import Call, Empty, Operation, Rate

# How long a download waits for a file that is announced but not there yet.
WAIT_MS = 20_000


@frozen(kw_only=True)
class Uploaded:
    content_uri: MxcUri


@frozen(kw_only=True)
class Upload(Call[Uploaded]):
    """Store a file: the body is its bytes, the Content-Type header its type."""

    filename: str | None = None


@frozen(kw_only=True)
class Announced:
    """A media URI to be used at once; the file has to be there before the time."""

    content_uri: MxcUri
    unused_expires_at: int


@frozen(kw_only=True)
class AnnounceUpload(Call[Announced]):
    """Get a media URI for a file that is uploaded later."""


@frozen(kw_only=True)
class UploadAnnounced(Call[Empty]):
    """Store the file of a media URI that was given out before."""

    server_name: ServerName
    media_id: str
    filename: str | None = None


@frozen(kw_only=True)
class Download(Call[bytes]):
    """Get a file's bytes, or a range of them.

    `timeout_ms` bounds the wait for a file that is not uploaded yet.
    """

    server_name: ServerName
    media_id: str
    timeout_ms: int = WAIT_MS


@frozen(kw_only=True)
class DownloadNamed(Call[bytes]):
    """Get a file's bytes, to be saved under the given name."""

    server_name: ServerName
    media_id: str
    file_name: str
    timeout_ms: int = WAIT_MS


@frozen(kw_only=True)
class GetThumbnail(Call[bytes]):
    """Get a small version of a picture, in pixels: at least that size, if it is.

    `method` is scale or crop. Pictures that move do so only with `animated`.
    """

    server_name: ServerName
    media_id: str
    width: int
    height: int
    method: str = "scale"
    timeout_ms: int = WAIT_MS
    animated: bool = False


@frozen(kw_only=True)
class GetUrlPreview(Call[JsonObject]):
    """Tell what a page is, in OpenGraph's words; `og:image` is a file of the server.

    The server fetches the page itself, if its operator has switched that on. `ts` is
    taken for compatibility: what is answered is at most an hour old.
    """

    url: str
    ts: int | None = None


@frozen(kw_only=True)
class MediaConfig:
    """`upload_size` is in bytes."""

    upload_size: int = field(metadata=wire("m.upload.size"))


@frozen(kw_only=True)
class GetMediaConfig(Call[MediaConfig]):
    """Tell how large a file may be."""


_V1 = "/_matrix/client/v1/media"
_FILE = "{server_name}/{media_id}"


def _old(path: str) -> tuple[str, ...]:
    """The path of Matrix before 1.11, which needed no token."""
    return (f"/_matrix/media/v3/{path}",)


UPLOAD = Operation(
    name="media.upload",
    http="POST /_matrix/media/v3/upload",
    query=("filename",),
    request=Upload,
    response=Uploaded,
    rate=Rate.MEDIA,
    by_hand=True,
    errors=("M_TOO_LARGE",),
)
ANNOUNCE_UPLOAD = Operation(
    name="media.announce",
    http="POST /_matrix/media/v1/create",
    request=AnnounceUpload,
    response=Announced,
    rate=Rate.MEDIA,
)
UPLOAD_ANNOUNCED = Operation(
    name="media.upload_announced",
    http=f"PUT /_matrix/media/v3/upload/{_FILE}",
    query=("filename",),
    request=UploadAnnounced,
    response=Empty,
    rate=Rate.MEDIA,
    by_hand=True,
    errors=("M_NOT_FOUND", "M_CANNOT_OVERWRITE_MEDIA", "M_TOO_LARGE"),
)
DOWNLOAD = Operation(
    name="media.download",
    http=f"GET {_V1}/download/{_FILE}",
    aliases=_old(f"download/{_FILE}"),
    request=Download,
    response=bytes,
    rate=Rate.DOWNLOAD,
    by_hand=True,
    errors=("M_NOT_FOUND", "M_NOT_YET_UPLOADED"),
)
DOWNLOAD_NAMED = Operation(
    name="media.download_named",
    http=f"GET {_V1}/download/{_FILE}/{{file_name}}",
    aliases=_old(f"download/{_FILE}/{{file_name}}"),
    request=DownloadNamed,
    response=bytes,
    rate=Rate.DOWNLOAD,
    by_hand=True,
    errors=("M_NOT_FOUND", "M_NOT_YET_UPLOADED"),
)
GET_THUMBNAIL = Operation(
    name="media.thumbnail",
    http=f"GET {_V1}/thumbnail/{_FILE}",
    aliases=_old(f"thumbnail/{_FILE}"),
    request=GetThumbnail,
    response=bytes,
    rate=Rate.DOWNLOAD,
    by_hand=True,
    errors=("M_NOT_FOUND", "M_NOT_YET_UPLOADED", "M_TOO_LARGE", "M_UNKNOWN"),
)
GET_URL_PREVIEW = Operation(
    name="media.url_preview",
    http=f"GET {_V1}/preview_url",
    aliases=_old("preview_url"),
    request=GetUrlPreview,
    response=dict,
    rate=Rate.SEARCH,
    by_hand=True,
    errors=("M_NOT_FOUND", "M_UNRECOGNIZED"),
)
GET_MEDIA_CONFIG = Operation(
    name="media.config",
    http=f"GET {_V1}/config",
    aliases=_old("config"),
    request=GetMediaConfig,
    response=MediaConfig,
)

OPERATIONS = (
    UPLOAD,
    ANNOUNCE_UPLOAD,
    UPLOAD_ANNOUNCED,
    DOWNLOAD,
    DOWNLOAD_NAMED,
    GET_THUMBNAIL,
    GET_URL_PREVIEW,
    GET_MEDIA_CONFIG,
)
