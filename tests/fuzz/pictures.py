"""Image files that are damaged, lie, or unfold to far more than they weigh. Pure.

In: a random source. Out: a file that begins as one of every kind that is read (and of some that are not), and how it was bent.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from random import Random

from PIL import Image

from app.core.geometry import Size
from tests.fuzz.octets import mutated_bytes
from tests.support.bad_images import animated, jpeg_that_claims, plain_file, png_that_claims
from tests.support.images import KINDS, encoded, noise

SIDES = Size(97, 61)
_UNREAD = ("GIF", "BMP", "TIFF", "ICO", "JPEG2000")
_SIDES_PX = (0, 1, 2, 7, 97, 98, 1000, 2000, 4095, 16383, 16384, 20_000, 65_535)
_PNG_SIDES_PX = (*_SIDES_PX, 2**16, 2**24, 2**31 - 1, 2**31, 2**32 - 1)
BOMB_BYTES = 16 * 1024 * 1024
_PNG_HEAD_BYTES = 8
_IHDR_AT = 16


@cache
def whole_files() -> tuple[bytes, ...]:
    """One of every kind, and turned, animated and decorated ones."""
    plain = [encoded(noise(SIDES), kind) for kind in KINDS]
    turned = [encoded(noise(SIDES), kind, 6) for kind in KINDS if KINDS[kind].turns]
    moving = [animated("PNG"), animated("WEBP"), animated("GIF")]
    return (*plain, *turned, *moving, _interlaced_palette(), _restarting(), *(plain_file(kind, SIDES) for kind in _UNREAD))


def _interlaced_palette() -> bytes:
    """A palette with transparency, text and a colour profile."""
    file = io.BytesIO()
    picture = noise(SIDES).quantize(64)
    picture.save(file, "PNG", transparency=bytes(range(64)), icc_profile=b"profile" * 50, dpi=(72, 72))
    return file.getvalue()


def _restarting() -> bytes:
    """A JPEG with restart markers, a colour profile, EXIF and a comment."""
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 8
    exif[0x010E] = "a description" * 20
    noise(SIDES).save(
        file, "JPEG", quality=70, restart_marker_blocks=1, icc_profile=b"p" * 70_000, exif=exif, comment=b"c" * 99
    )
    return file.getvalue()


def bent_picture(rng: Random) -> tuple[str, bytes]:
    """How, and the file."""
    bend = rng.choice(_BENDS)
    return bend.__name__.strip("_"), bend(rng)


def _bytewise(rng: Random) -> bytes:
    return mutated_bytes(rng, rng.choice(whole_files()))


def _flipped(rng: Random) -> bytes:
    """Single bits, behind the head."""
    data = bytearray(rng.choice(whole_files()))
    for _ in range(rng.choice((1, 3, 30))):
        data[rng.randrange(len(data) // 8, len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def _truncated(rng: Random) -> bytes:
    """At times with the end that it should have."""
    data = rng.choice(whole_files())
    cut = data[: rng.randrange(len(data))]
    return cut + rng.choice((b"", b"\xff\xd9", data[-12:], bytes(200)))


def _spliced(rng: Random) -> bytes:
    """The beginning of one file, and the end of another."""
    one, other = rng.choice(whole_files()), rng.choice(whole_files())
    return one[: rng.randrange(len(one))] + other[rng.randrange(len(other)) :]


def _shuffled_chunks(rng: Random) -> bytes:
    """PNG chunks or JPEG segments doubled, dropped, moved."""
    data = rng.choice(whole_files())
    head, pieces = (data[:_PNG_HEAD_BYTES], list(_chunks(data))) if data[:4] == b"\x89PNG" else (data[:2], _segments(data))
    if not pieces:
        return mutated_bytes(rng, data)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(pieces))
        match rng.randrange(4):
            case 0:
                pieces.insert(rng.randrange(len(pieces)), pieces[at])
            case 1 if len(pieces) > 1:
                del pieces[at]
            case 2:
                pieces[at : at + 1] = [pieces[at]] * rng.choice((2, 50))
            case _:
                rng.shuffle(pieces)
    return head + b"".join(pieces)


def _chunks(data: bytes) -> Iterator[bytes]:
    at = _PNG_HEAD_BYTES
    while at + 8 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4])
        yield data[at:end]
        at = end


def _segments(data: bytes) -> list[bytes]:
    """By their markers, roughly."""
    return [b"\xff" + piece for piece in data[2:].split(b"\xff") if piece]


def _size_lies(rng: Random) -> bytes:
    """A header that claims another size, its checksum right."""
    width, height = rng.choice(_SIDES_PX), rng.choice(_SIDES_PX)
    match rng.randrange(4):
        case 0:
            return jpeg_that_claims(width, height)
        case 1:
            return png_that_claims(rng.choice(_PNG_SIDES_PX[:10]), rng.choice(_PNG_SIDES_PX), rng.choice((1, 40)))
        case 2:
            head = struct.pack(">II", rng.choice(_PNG_SIDES_PX), rng.choice(_PNG_SIDES_PX))
            return _with_ihdr(
                rng, head + bytes([rng.choice((1, 2, 4, 8, 16, 3)), rng.choice((0, 2, 3, 4, 6, 5)), 0, 0, rng.randrange(3)])
            )
        case _:
            return _webp_lie(rng)


def _with_ihdr(rng: Random, ihdr: bytes) -> bytes:
    data = bytearray(rng.choice([file for file in whole_files() if file.startswith(b"\x89PNG")]))
    data[_IHDR_AT : _IHDR_AT + 13] = ihdr
    data[_IHDR_AT + 13 : _IHDR_AT + 17] = struct.pack(">I", zlib.crc32(b"IHDR" + ihdr))
    return bytes(data)


def _webp_lie(rng: Random) -> bytes:
    """The size in the canvas's chunk or in the frame, or the lengths of chunks."""
    data = bytearray(rng.choice([file for file in whole_files() if file.startswith(b"RIFF")]))
    at = rng.choice((4, 16, 20, 24, 26, 27, 28, 30))
    data[at : at + 2] = rng.choice((b"\0\0", b"\xff\xff", b"\xff\x3f", rng.randbytes(2)))
    return bytes(data)


def _exif_lies(rng: Random) -> bytes:
    """EXIF that points outside, into itself, or counts far too much."""
    order = rng.choice((b"II", b"MM"))
    form = "<" if order == b"II" else ">"
    entries = rng.choice((0, 1, 3, 65_535))
    entry = struct.pack(
        f"{form}HHII", rng.choice((0x0112, 0x8769, 0)), rng.randrange(14), rng.choice((1, 2**32 - 1)), rng.randrange(2**32)
    )
    tiff = (
        order
        + struct.pack(f"{form}HIH", rng.choice((42, 43)), rng.choice((8, 0, 2**32 - 1, 7)), entries)
        + entry * min(entries, 3)
    )
    block = b"Exif\0\0" + tiff + rng.randbytes(rng.choice((0, 4)))
    jpeg = rng.choice([file for file in whole_files() if file.startswith(b"\xff\xd8")])
    app1 = b"\xff\xe1" + struct.pack(">H", rng.choice((len(block) + 2, 65_535, 2, 0))) + block
    return jpeg[:2] + app1 * rng.choice((1, 3)) + jpeg[2:]


def _profiles(rng: Random) -> bytes:
    """Colour profiles of junk, one with far too many parts."""
    jpeg = rng.choice([file for file in whole_files() if file.startswith(b"\xff\xd8")])
    junk = rng.randbytes(rng.choice((0, 20, 3000)))
    part = b"ICC_PROFILE\0" + bytes([rng.randrange(256), rng.randrange(256)]) + junk
    return jpeg[:2] + (b"\xff\xe2" + struct.pack(">H", len(part) + 2) + part) * rng.choice((1, 30, 2100)) + jpeg[2:]


@cache
def _zeros() -> bytes:
    return zlib.compress(bytes(BOMB_BYTES), 9)


def _png_bombs(rng: Random) -> bytes:
    """Text, profiles and pixels that unfold to megabytes, and chunks without end."""
    data = rng.choice([file for file in whole_files() if file.startswith(b"\x89PNG")])
    kind, said = rng.choice(
        ((b"zTXt", b"a\0\0"), (b"iTXt", b"a\0\1\0\0\0"), (b"iCCP", b"a\0\0"), (b"IDAT", b""), (b"eXIf", b"MM\0*"))
    )
    chunk = _chunk(kind, said + _zeros())
    end = 33 if rng.random() < 0.7 else len(data) - 12
    extra = rng.choice((chunk, chunk * 3, _chunk(b"tEXt", b"a\0b") * 11_000, _chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0))))
    return data[:end] + extra + data[end:]


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _progressive_scans(rng: Random) -> bytes:
    """A progressive JPEG whose last scan is sent again and again: each makes a decoder walk over all of its pixels."""
    data = encoded(noise(SIDES), "jpeg progressive")
    last = data.rfind(b"\xff\xda")
    return data[:last] + data[last:-2] * rng.choice((2, 100, 1000)) + b"\xff\xd9"


_BENDS: tuple[Callable[[Random], bytes], ...] = (
    *(_bytewise, _bytewise, _flipped, _flipped, _truncated, _spliced, _shuffled_chunks, _shuffled_chunks),
    *(_size_lies, _size_lies, _exif_lies, _profiles, _png_bombs, _progressive_scans),
)
