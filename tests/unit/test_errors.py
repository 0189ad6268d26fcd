from __future__ import annotations

import pytest

from chatproto.errors import (
    ERRCODES,
    ChatprotoError,
    LocalError,
    MatrixError,
    RemoteError,
)


@pytest.mark.parametrize(("errcode", "status"), ERRCODES.items(), ids=ERRCODES)
def test_errcode_has_its_status(errcode, status):
    assert MatrixError(errcode, "no").status == status
    assert errcode.startswith("M_")
    assert 400 <= status <= 599


def test_given_status_wins():
    assert MatrixError("M_FORBIDDEN", "no", status=401).status == 401


def test_foreign_errcode_is_the_callers_fault():
    assert MatrixError("ORG_EXAMPLE_NO", "no").status == 400


def test_error_as_json():
    error = MatrixError("M_FORBIDDEN", "no")
    assert error.to_json() == {"errcode": "M_FORBIDDEN", "error": "no"}
    assert str(error) == "M_FORBIDDEN: no"


def test_error_as_json_with_more():
    error = MatrixError(
        "M_LIMIT_EXCEEDED",
        "slowly",
        retry_after_ms=0,
        extra={"soft_logout": True},
    )
    assert error.to_json() == {
        "errcode": "M_LIMIT_EXCEEDED",
        "error": "slowly",
        "retry_after_ms": 0,
        "soft_logout": True,
    }


@pytest.mark.parametrize("kind", [LocalError, RemoteError, MatrixError])
def test_errors_have_one_root(kind):
    assert issubclass(kind, ChatprotoError)


def test_table_cannot_be_changed():
    with pytest.raises(TypeError):
        ERRCODES["M_FORBIDDEN"] = 200  # type: ignore[index]  # that is the point
