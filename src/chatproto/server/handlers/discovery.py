"""What the server is and can."""

from __future__ import annotations

from typing import Any

from chatproto.decisions import Handler, Reads
from chatproto.errors import MatrixError
from chatproto.operations import discovery as ops
from chatproto.operations import media
from chatproto.rooms.version import OFFERED_VERSIONS, V11

# Exactly what the tests cover; later versions promise endpoints that are not here.
VERSIONS = tuple(f"v1.{number}" for number in range(1, 12))

PROFILE_FIELDS = ("displayname", "avatar_url")


async def get_versions(reading: Any, _request: ops.GetVersions) -> ops.Versions:
    settings = reading.engine.settings
    features = {
        "org.matrix.msc3266": True,
        "org.matrix.msc4222": True,
        "org.matrix.simplified_msc3575": True,
        "org.chatproto": True,
        "org.chatproto.url_previews": settings.url_previews,
        # So that a client need not try to register to know whether it may.
        "org.chatproto.registration": settings.registration != "closed",
        "org.chatproto.registration_token": settings.registration == "token",
    }
    for module in reading.engine.modules:
        features |= {module.name: True, **module.features}
    return ops.Versions(versions=VERSIONS, unstable_features=features)


async def get_well_known(reading: Any, _request: ops.GetWellKnown) -> ops.WellKnown:
    base_url = reading.engine.settings.base_url
    if base_url is None:
        raise MatrixError("M_NOT_FOUND", "this server does not publish its address")
    return ops.WellKnown(homeserver={"base_url": base_url})


async def get_capabilities(
    reading: Any,
    _request: ops.GetCapabilities,
) -> ops.Capabilities:
    versions = dict.fromkeys(OFFERED_VERSIONS, "stable")
    return ops.Capabilities(
        capabilities={
            "m.room_versions": {"default": V11.id, "available": versions},
            "m.change_password": {"enabled": True},
            "m.set_displayname": {"enabled": True},
            "m.set_avatar_url": {"enabled": True},
            "m.profile_fields": {"enabled": True, "allowed": PROFILE_FIELDS},
            "m.3pid_changes": {"enabled": False},
            "m.get_login_token": {"enabled": True},
        },
    )


async def get_media_config(
    reading: Any,
    _request: media.GetMediaConfig,
) -> media.MediaConfig:
    return media.MediaConfig(upload_size=reading.engine.settings.upload_bytes)


HANDLERS: tuple[Handler, ...] = (
    Reads(ops.GET_VERSIONS, get_versions),
    Reads(ops.GET_WELL_KNOWN, get_well_known),
    Reads(ops.GET_CAPABILITIES, get_capabilities),
    Reads(media.GET_MEDIA_CONFIG, get_media_config),
)
