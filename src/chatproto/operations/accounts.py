"""Accounts, sessions and devices."""

from __future__ import annotations

from attrs import field, frozen

from chatproto.canonical import JsonObject
from chatproto.ids import DeviceId, ServerName, UserId
from chatproto.operations.declare import Access, Call, Empty, Operation, Rate


@frozen(kw_only=True)
class LoginFlow:
    type: str
    get_login_token: bool | None = None


@frozen(kw_only=True)
class LoginFlows:
    flows: tuple[LoginFlow, ...]


@frozen(kw_only=True)
class GetLoginFlows(Call[LoginFlows]):
    """List the ways in which one can log in."""


@frozen(kw_only=True)
class LoggedIn:
    user_id: UserId
    access_token: str = field(repr=False)
    device_id: DeviceId
    home_server: ServerName | None = None
    expires_in_ms: int | None = None
    refresh_token: str | None = field(default=None, repr=False)


@frozen(kw_only=True)
class Login(Call[LoggedIn]):
    """Log in and get an access token for a device.

    With a password, or, as m.login.token, with a `token` made by another device.
    """

    type: str = "m.login.password"
    identifier: JsonObject | None = None
    user: str | None = None
    password: str = field(default="", repr=False)
    token: str | None = field(default=None, repr=False)
    device_id: DeviceId | None = None
    initial_device_display_name: str | None = None
    refresh_token: bool = False


@frozen(kw_only=True)
class Registered:
    """A new account; without a session if none was wanted (`inhibit_login`)."""

    user_id: UserId
    access_token: str | None = field(default=None, repr=False)
    device_id: DeviceId | None = None
    home_server: ServerName | None = None
    expires_in_ms: int | None = None
    refresh_token: str | None = field(default=None, repr=False)


@frozen(kw_only=True)
class Register(Call[Registered]):
    """Create an account; the first answer lists the stages still to be passed."""

    username: str | None = None
    password: str | None = field(default=None, repr=False)
    auth: JsonObject | None = field(default=None, repr=False)
    device_id: DeviceId | None = None
    initial_device_display_name: str | None = None
    inhibit_login: bool = False
    refresh_token: bool = False
    kind: str = "user"
    type: str | None = None


@frozen(kw_only=True)
class TokenValidity:
    valid: bool


@frozen(kw_only=True)
class CheckRegistrationToken(Call[TokenValidity]):
    """Ask whether a registration token may be used."""

    token: str = field(repr=False)


@frozen(kw_only=True)
class Available:
    available: bool


@frozen(kw_only=True)
class CheckUsername(Call[Available]):
    """Ask whether a user name can still be registered."""

    username: str


@frozen(kw_only=True)
class Refreshed:
    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_in_ms: int | None = None


@frozen(kw_only=True)
class Refresh(Call[Refreshed]):
    """Exchange a refresh token, which is thereby used up, for new tokens."""

    refresh_token: str = field(repr=False)


@frozen(kw_only=True)
class Logout(Call[Empty]):
    """Log this device out; its tokens and live connections end at once."""


@frozen(kw_only=True)
class LogoutAll(Call[Empty]):
    """Log every device of the account out."""


@frozen(kw_only=True)
class Identity:
    user_id: UserId
    device_id: DeviceId | None = None
    is_guest: bool = False
    is_admin: bool | None = field(
        default=None, metadata={"wire": "org.chatproto.admin"}
    )


@frozen(kw_only=True)
class WhoAmI(Call[Identity]):
    """Tell whom the access token belongs to."""


@frozen(kw_only=True)
class ChangePassword(Call[Empty]):
    """Change the password; the current one is proved in `auth`."""

    new_password: str = field(repr=False)
    logout_devices: bool = True
    auth: JsonObject | None = field(default=None, repr=False)


@frozen(kw_only=True)
class Deactivated:
    """`id_server_unbind_result` is success: no identity server knows of accounts."""

    id_server_unbind_result: str


@frozen(kw_only=True)
class Deactivate(Call[Deactivated]):
    """Close the account for ever, and leave its rooms; `auth` proves the password."""

    auth: JsonObject | None = field(default=None, repr=False)
    erase: bool = False


@frozen(kw_only=True)
class Device:
    device_id: DeviceId
    display_name: str | None = None
    last_seen_ip: str | None = None
    last_seen_ts: int | None = None


@frozen(kw_only=True)
class Devices:
    devices: tuple[Device, ...]


@frozen(kw_only=True)
class ListDevices(Call[Devices]):
    """List the account's devices."""


@frozen(kw_only=True)
class GetDevice(Call[Device]):
    """Describe one device of the account."""

    device_id: DeviceId


@frozen(kw_only=True)
class RenameDevice(Call[Empty]):
    """Give a device another display name."""

    device_id: DeviceId
    display_name: str | None = None


@frozen(kw_only=True)
class DeleteDevice(Call[Empty]):
    """Log another device out; the password is proved in `auth`."""

    device_id: DeviceId
    auth: JsonObject | None = field(default=None, repr=False)


@frozen(kw_only=True)
class DeleteDevices(Call[Empty]):
    """Log several devices out; the password is proved in `auth`."""

    devices: tuple[DeviceId, ...]
    auth: JsonObject | None = field(default=None, repr=False)


@frozen(kw_only=True)
class LoginToken:
    login_token: str = field(repr=False)
    expires_in_ms: int


@frozen(kw_only=True)
class MakeLoginToken(Call[LoginToken]):
    """Make a token with which one other device can log in to the account, once.

    The password is proved in `auth`.
    """

    auth: JsonObject | None = field(default=None, repr=False)


@frozen(kw_only=True)
class Ticket:
    ticket: str = field(repr=False)
    expires_in_ms: int


@frozen(kw_only=True)
class MakeTicket(Call[Ticket]):
    """Make a single-use ticket with which a socket can say hello without the token."""


_V1 = "/_matrix/client/v1"
_V3 = "/_matrix/client/v3"

LIST_LOGIN_FLOWS = Operation(
    name="account.login_flows",
    http=f"GET {_V3}/login",
    request=GetLoginFlows,
    response=LoginFlows,
    access=Access.PUBLIC,
)
LOGIN = Operation(
    name="account.login",
    http=f"POST {_V3}/login",
    request=Login,
    response=LoggedIn,
    access=Access.PUBLIC,
    rate=Rate.LOGIN,
    errors=("M_FORBIDDEN", "M_USER_DEACTIVATED", "M_USER_LOCKED"),
)
REGISTER = Operation(
    name="account.register",
    http=f"POST {_V3}/register",
    query=("kind",),
    request=Register,
    response=Registered,
    access=Access.PUBLIC,
    rate=Rate.REGISTER,
    errors=("M_USER_IN_USE", "M_INVALID_USERNAME", "M_WEAK_PASSWORD", "M_FORBIDDEN"),
)
CHECK_REGISTRATION_TOKEN = Operation(
    name="account.check_registration_token",
    http=f"GET {_V1}/register/m.login.registration_token/validity",
    request=CheckRegistrationToken,
    response=TokenValidity,
    access=Access.PUBLIC,
    rate=Rate.REGISTER,
    errors=("M_FORBIDDEN",),
)
CHECK_USERNAME = Operation(
    name="account.check_username",
    http=f"GET {_V3}/register/available",
    request=CheckUsername,
    response=Available,
    access=Access.PUBLIC,
    rate=Rate.REGISTER,
    errors=("M_USER_IN_USE", "M_INVALID_USERNAME"),
)
REFRESH = Operation(
    name="account.refresh",
    http=f"POST {_V3}/refresh",
    request=Refresh,
    response=Refreshed,
    access=Access.PUBLIC,
    rate=Rate.LOGIN,
    errors=("M_UNKNOWN_TOKEN",),
)
LOGOUT = Operation(
    name="account.logout",
    http=f"POST {_V3}/logout",
    request=Logout,
    response=Empty,
    rate=Rate.WRITE,
)
LOGOUT_ALL = Operation(
    name="account.logout_all",
    http=f"POST {_V3}/logout/all",
    request=LogoutAll,
    response=Empty,
    rate=Rate.WRITE,
)
WHOAMI = Operation(
    name="account.whoami",
    http=f"GET {_V3}/account/whoami",
    request=WhoAmI,
    response=Identity,
)
CHANGE_PASSWORD = Operation(
    name="account.change_password",
    http=f"POST {_V3}/account/password",
    request=ChangePassword,
    response=Empty,
    rate=Rate.LOGIN,
    errors=("M_FORBIDDEN", "M_WEAK_PASSWORD"),
)
DEACTIVATE = Operation(
    name="account.deactivate",
    http=f"POST {_V3}/account/deactivate",
    request=Deactivate,
    response=Deactivated,
    rate=Rate.LOGIN,
    errors=("M_FORBIDDEN",),
)
LIST_DEVICES = Operation(
    name="device.list",
    http=f"GET {_V3}/devices",
    request=ListDevices,
    response=Devices,
)
GET_DEVICE = Operation(
    name="device.get",
    http=f"GET {_V3}/devices/{{device_id}}",
    request=GetDevice,
    response=Device,
    errors=("M_NOT_FOUND",),
)
RENAME_DEVICE = Operation(
    name="device.rename",
    http=f"PUT {_V3}/devices/{{device_id}}",
    request=RenameDevice,
    response=Empty,
    rate=Rate.WRITE,
    errors=("M_NOT_FOUND",),
)
DELETE_DEVICE = Operation(
    name="device.delete",
    http=f"DELETE {_V3}/devices/{{device_id}}",
    request=DeleteDevice,
    response=Empty,
    rate=Rate.LOGIN,
)
DELETE_DEVICES = Operation(
    name="device.delete_many",
    http=f"POST {_V3}/delete_devices",
    request=DeleteDevices,
    response=Empty,
    rate=Rate.LOGIN,
)
MAKE_LOGIN_TOKEN = Operation(
    name="account.login_token",
    http=f"POST {_V1}/login/get_token",
    request=MakeLoginToken,
    response=LoginToken,
    rate=Rate.LOGIN,
    errors=("M_FORBIDDEN",),
)
MAKE_TICKET = Operation(
    name="account.ticket",
    http="POST /_chatproto/v1/ticket",
    request=MakeTicket,
    response=Ticket,
    rate=Rate.WRITE,
)

OPERATIONS = (
    LIST_LOGIN_FLOWS,
    LOGIN,
    REGISTER,
    CHECK_REGISTRATION_TOKEN,
    CHECK_USERNAME,
    REFRESH,
    LOGOUT,
    LOGOUT_ALL,
    WHOAMI,
    CHANGE_PASSWORD,
    DEACTIVATE,
    LIST_DEVICES,
    GET_DEVICE,
    RENAME_DEVICE,
    DELETE_DEVICE,
    DELETE_DEVICES,
    MAKE_LOGIN_TOKEN,
    MAKE_TICKET,
)
