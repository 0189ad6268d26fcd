from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from chatproto.errors import MatrixError
from reference_server.thumbnail import make_thumbnail, webp_size
from reference_server.thumbnail_sizes import (
    CROPPED,
    SCALED,
    NoPicture,
    Wanted,
    nearest,
)
from tests.web import pictures
from tests.web.pictures import colors, encoded, halves, jpeg, moving, opened, png

SMALL = Wanted(32, 32, "crop")
MIDDLE = Wanted(320, 240)
MOVING = Wanted(320, 240, "scale", animated=True)


def refused(data, wanted=MIDDLE):
    with pytest.raises(MatrixError) as caught:
        make_thumbnail(data, wanted)
    return caught.value.errcode, caught.value.status


# sizes


@pytest.mark.parametrize(
    ("asked", "method", "given_size"),
    [
        ((1, 1), "scale", (320, 240)),
        ((320, 240), "scale", (320, 240)),
        ((321, 10), "scale", (640, 480)),
        ((800, 600), "scale", (800, 600)),
        ((1601, 1), "scale", (1600, 1200)),
        ((10**9, 10**9), "scale", (1600, 1200)),
        ((32, 32), "crop", (32, 32)),
        ((33, 33), "crop", (96, 96)),
        ((64, 64), "crop", (96, 96)),
        ((300, 200), "crop", (320, 240)),
        ((200, 300), "crop", (240, 320)),
        ((5000, 5000), "crop", (640, 640)),
        ((5000, 4000), "crop", (640, 480)),
    ],
)
def test_nearest_size_is_chosen(asked, method, given_size):
    wanted = nearest(*asked, method)
    assert ((wanted.width, wanted.height), wanted.method) == (given_size, method)


@given(
    width=st.integers(1, 10**12),
    height=st.integers(1, 10**12),
    method=st.sampled_from(["scale", "crop"]),
    animated=st.booleans(),
)
def test_any_size_is_one_of_few(width, height, method, animated):
    wanted = nearest(width, height, method, animated=animated)
    sizes = SCALED if method == "scale" else CROPPED
    size = (wanted.width, wanted.height)
    assert size in sizes
    enough = [s for s in sizes if s[0] >= width and s[1] >= height]
    if enough and not animated:
        assert size in enough
    if animated:
        assert max(size) <= 640


@pytest.mark.parametrize(
    ("width", "height", "method"),
    [(0, 10, "scale"), (10, -1, "scale"), (10, 10, "stretch"), (10, 10, "")],
)
def test_size_that_makes_no_sense_is_refused(width, height, method):
    with pytest.raises(MatrixError, match="M_INVALID_PARAM"):
        nearest(width, height, method)


# pictures


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (png(), "JPEG"),
        (jpeg(), "JPEG"),
        (jpeg(progressive=True), "JPEG"),
        (encoded(halves(mode="CMYK"), "JPEG"), "JPEG"),
        (encoded(halves(mode="L"), "JPEG"), "JPEG"),
        (encoded(halves(mode="P"), "GIF"), "JPEG"),
        (encoded(halves(), "WEBP"), "JPEG"),
        (encoded(halves(), "WEBP", lossless=True), "JPEG"),
        (encoded(halves(mode="1"), "PNG"), "JPEG"),
        (encoded(halves(mode="LA"), "PNG"), "JPEG"),
        (encoded(halves(mode="P"), "PNG"), "JPEG"),
        (encoded(halves(mode="RGBA"), "PNG"), "JPEG"),
        (moving("GIF"), "JPEG"),
        (moving("WEBP"), "JPEG"),
    ],
)
def test_picture_of_any_kind_is_made_smaller(data, kind):
    made = opened(make_thumbnail(data, MIDDLE))
    assert (made.format, made.size) == (kind, (320, 160))
    assert getattr(made, "n_frames", 1) == 1


def test_left_stays_left():
    made = opened(make_thumbnail(png(), MIDDLE))
    seen = colors(made)
    assert (seen["left"], seen["right"]) == ("red", "blue")


def test_sixteen_bits_keep_their_brightness():
    deep = Image.new("I;16", (400, 200), 0x8000)
    made = opened(make_thumbnail(encoded(deep, "PNG"), MIDDLE)).convert("L")
    assert abs(made.getpixel((50, 50)) - 128) <= 2


def test_transparency_is_kept():
    image = halves(mode="RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    made = opened(make_thumbnail(encoded(image, "PNG"), MIDDLE))
    assert (made.format, made.mode) == ("PNG", "RGBA")


@pytest.mark.parametrize("wanted", [MIDDLE, SMALL, MOVING])
def test_small_picture_is_never_made_larger(wanted):
    made = opened(make_thumbnail(png(20, 10), wanted))
    assert made.size == (20, 10)


@pytest.mark.parametrize("size", [(1, 5000), (5000, 1), (1, 1)])
@pytest.mark.parametrize("method", ["crop", "scale"])
def test_narrow_picture_stays_a_picture(size, method):
    made = opened(make_thumbnail(png(*size), Wanted(96, 96, method)))
    assert all(1 <= ours <= 96 for ours in made.size)


def test_crop_keeps_the_middle():
    image = halves(400, 100)
    image.paste(pictures.GREEN, (150, 0, 250, 100))
    made = opened(make_thumbnail(encoded(image, "PNG"), SMALL))
    assert made.size == (32, 32)
    assert set(colors(made).values()) == {"green"}


# The side of the picture, as it is shown, on which its left half is.
TURNS = {1: "left", 2: "right", 3: "right", 4: "left", 5: "top", 6: "top", 7: "bottom"}
TURNS[8] = "bottom"


@pytest.mark.parametrize(("orientation", "red"), TURNS.items())
def test_orientation_is_applied(orientation, red):
    made = opened(make_thumbnail(jpeg(400, 200, orientation=orientation), MIDDLE))
    assert made.size == ((320, 160) if orientation < 5 else (120, 240))
    opposite = {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}
    assert colors(made)[red] == "red"
    assert colors(made)[opposite[red]] == "blue"
    assert made.getexif() == {}


@pytest.mark.parametrize("orientation", [0, 9, 65_535])
def test_unknown_orientation_turns_nothing(orientation):
    made = opened(make_thumbnail(jpeg(orientation=orientation), MIDDLE))
    assert made.size == (320, 160)


@pytest.mark.parametrize(
    ("data", "secret"),
    [
        (jpeg(make="Secret camera"), b"Secret"),
        (pictures.with_notes(), b"taken at home"),
        (jpeg(icc_profile=b"Secret" * 100), b"Secret"),
        (jpeg(comment=b"Secret words"), b"Secret"),
        (moving("WEBP", exif=b"Exif\0\0Secret", xmp=b"Secret"), b"Secret"),
    ],
)
@pytest.mark.parametrize("wanted", [MIDDLE, MOVING])
def test_metadata_is_dropped(data, secret, wanted):
    assert secret in data
    assert secret not in make_thumbnail(data, wanted)


# movement


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_moving_picture_moves_when_asked(kind):
    made = opened(make_thumbnail(moving(kind), MOVING))
    assert (made.format, made.n_frames, made.size) == ("WEBP", 3, (320, 160))
    assert made.info["loop"] == 0
    assert made.info["duration"] == 70


@pytest.mark.parametrize("data", [png(), jpeg(), encoded(halves(), "WEBP")])
def test_still_picture_does_not_move(data):
    assert opened(make_thumbnail(data, MOVING)).format == "JPEG"


@pytest.mark.parametrize("count", [101, 400])
def test_long_movement_is_shown_still(count):
    data = moving("GIF", (16, 16), count)
    assert opened(make_thumbnail(data, MOVING)).format == "JPEG"


def test_large_movement_is_shown_still():
    data = moving("WEBP", (4000, 3000), 4, method=0)
    assert opened(make_thumbnail(data, MOVING)).format == "JPEG"


# what is refused


@pytest.mark.parametrize(
    "data",
    [
        pictures.png_of_size(60_000, 60_000),
        pictures.png_of_size(2**31 - 1, 2**31 - 1, rows=0),
        pictures.gif_of_size(65_535, 65_535),
        pictures.webp_of_size(2**14, 2**14),
        pictures.jpeg_of_scans(2000),
    ],
    ids=["png", "huge png", "gif", "webp", "scans"],
)
@pytest.mark.parametrize("wanted", [SMALL, MOVING], ids=lambda w: w.name)
def test_bomb_is_refused_unopened(data, wanted):
    assert len(data) < 1_000_000
    assert refused(data, wanted) == ("M_TOO_LARGE", 413)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x",
        pictures.SVG,
        pictures.HTML,
        b"\x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\n" + pictures.HTML,
        b"\xff\xd8\xff" + pictures.HTML,
        b"GIF89a" + pictures.HTML,
        b"RIFF\0\0\0\0WEBP" + pictures.HTML,
        b"%!PS-Adobe-3.0 EPSF-3.0",
        encoded(halves(), "TIFF"),
        encoded(halves(), "BMP"),
        encoded(halves(), "ICO"),
    ],
)
def test_what_is_no_picture_is_refused(data):
    assert refused(data) == ("M_UNKNOWN", 400)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_truncated_picture_is_refused(kind):
    data = encoded(halves(1000, 800), kind)
    assert refused(data[: len(data) // 2]) == ("M_UNKNOWN", 400)


@pytest.mark.parametrize(
    "data",
    [
        encoded(halves(321, 123), "WEBP"),
        encoded(halves(321, 123), "WEBP", lossless=True),
        moving("WEBP", (321, 123)),
    ],
)
def test_size_of_webp_is_read_from_its_header(data):
    assert webp_size(data) == (321, 123)


WHOLE = [png(64, 48), jpeg(64, 48, orientation=6), moving("GIF", (64, 48))]
WHOLE += [
    moving("WEBP", (64, 48)),
    jpeg(64, 48, progressive=True),
    moving("PNG", (64, 48)),
]


@settings(max_examples=150, deadline=None)
@given(
    data=st.sampled_from(WHOLE),
    changes=st.lists(
        st.tuples(st.integers(0, 5000), st.binary(max_size=8)), max_size=8
    ),
    cut=st.integers(0, 5000),
    wanted=st.sampled_from([SMALL, MIDDLE, MOVING]),
)
def test_any_bytes_give_a_picture_or_a_refusal(data, changes, cut, wanted):
    damaged = bytearray(data)
    for place, new in changes:
        place %= len(damaged)
        damaged[place : place + len(new)] = new
    try:
        made = make_thumbnail(bytes(damaged[: max(1, len(damaged) - cut % 50)]), wanted)
    except MatrixError as refusal:
        made = refusal.errcode
    if isinstance(made, bytes):
        made = opened(made).format
    assert made in ("PNG", "JPEG", "WEBP", "M_UNKNOWN", "M_TOO_LARGE")


def test_refusal_names_no_insides():
    with pytest.raises(NoPicture, match="no thumbnail can be made"):
        make_thumbnail(b"\xff\xd8\xff", SMALL)
