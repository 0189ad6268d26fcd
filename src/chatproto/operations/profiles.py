"""Profiles, presence with status text, and the search of users."""

from __future__ import annotations

from attrs import field, frozen

from chatproto.ids import UserId
from chatproto.operations.declare import Access, Call, Empty, Operation, Rate


@frozen(kw_only=True)
class Profile:
    displayname: str | None = None
    avatar_url: str | None = None


@frozen(kw_only=True)
class GetProfile(Call[Profile]):
    """Show a user's display name and avatar."""

    user_id: UserId


@frozen(kw_only=True)
class DisplayName:
    displayname: str | None = None


@frozen(kw_only=True)
class GetDisplayName(Call[DisplayName]):
    """Show a user's display name."""

    user_id: UserId


@frozen(kw_only=True)
class SetDisplayName(Call[Empty]):
    """Change one's display name, also in every room one is in."""

    user_id: UserId
    displayname: str | None = None


@frozen(kw_only=True)
class AvatarUrl:
    avatar_url: str | None = None


@frozen(kw_only=True)
class GetAvatarUrl(Call[AvatarUrl]):
    """Show a user's avatar."""

    user_id: UserId


@frozen(kw_only=True)
class SetAvatarUrl(Call[Empty]):
    """Change one's avatar, also in every room one is in."""

    user_id: UserId
    avatar_url: str | None = None


@frozen(kw_only=True)
class PresenceState:
    """`presence` is online, unavailable or offline."""

    presence: str
    last_active_ago: int | None = None
    status_msg: str | None = None
    currently_active: bool | None = None
    expires_in_ms: int | None = field(
        default=None,
        metadata={"wire": "org.chatproto.expires_in_ms"},
    )


@frozen(kw_only=True)
class GetPresence(Call[PresenceState]):
    """Show a user's presence and status text."""

    user_id: UserId


@frozen(kw_only=True)
class SetPresence(Call[Empty]):
    """Set one's presence and status text; the text ends after `expires_in_ms`."""

    user_id: UserId
    presence: str
    status_msg: str | None = None
    expires_in_ms: int | None = field(
        default=None,
        metadata={"wire": "org.chatproto.expires_in_ms"},
    )


@frozen(kw_only=True)
class FoundUser:
    user_id: UserId
    display_name: str | None = None
    avatar_url: str | None = None


@frozen(kw_only=True)
class FoundUsers:
    results: tuple[FoundUser, ...]
    limited: bool


@frozen(kw_only=True)
class SearchUsers(Call[FoundUsers]):
    """Find users by any part of a word of their name or user ID."""

    search_term: str
    limit: int = 10


_V3 = "/_matrix/client/v3"

GET_PROFILE = Operation(
    name="profile.get",
    http=f"GET {_V3}/profile/{{user_id}}",
    request=GetProfile,
    response=Profile,
    access=Access.PUBLIC,
    errors=("M_NOT_FOUND",),
)
GET_DISPLAY_NAME = Operation(
    name="profile.get_display_name",
    http=f"GET {_V3}/profile/{{user_id}}/displayname",
    request=GetDisplayName,
    response=DisplayName,
    access=Access.PUBLIC,
    errors=("M_NOT_FOUND",),
)
SET_DISPLAY_NAME = Operation(
    name="profile.set_display_name",
    http=f"PUT {_V3}/profile/{{user_id}}/displayname",
    request=SetDisplayName,
    response=Empty,
    rate=Rate.WRITE,
    errors=("M_FORBIDDEN",),
)
GET_AVATAR_URL = Operation(
    name="profile.get_avatar_url",
    http=f"GET {_V3}/profile/{{user_id}}/avatar_url",
    request=GetAvatarUrl,
    response=AvatarUrl,
    access=Access.PUBLIC,
    errors=("M_NOT_FOUND",),
)
SET_AVATAR_URL = Operation(
    name="profile.set_avatar_url",
    http=f"PUT {_V3}/profile/{{user_id}}/avatar_url",
    request=SetAvatarUrl,
    response=Empty,
    rate=Rate.WRITE,
    errors=("M_FORBIDDEN",),
)
GET_PRESENCE = Operation(
    name="presence.get",
    http=f"GET {_V3}/presence/{{user_id}}/status",
    request=GetPresence,
    response=PresenceState,
    errors=("M_FORBIDDEN", "M_NOT_FOUND"),
)
SET_PRESENCE = Operation(
    name="presence.set",
    http=f"PUT {_V3}/presence/{{user_id}}/status",
    request=SetPresence,
    response=Empty,
    rate=Rate.EPHEMERAL,
    errors=("M_FORBIDDEN",),
)
SEARCH_USERS = Operation(
    name="users.search",
    http=f"POST {_V3}/user_directory/search",
    request=SearchUsers,
    response=FoundUsers,
    rate=Rate.SEARCH,
)

OPERATIONS = (
    GET_PROFILE,
    GET_DISPLAY_NAME,
    SET_DISPLAY_NAME,
    GET_AVATAR_URL,
    SET_AVATAR_URL,
    GET_PRESENCE,
    SET_PRESENCE,
    SEARCH_USERS,
)
