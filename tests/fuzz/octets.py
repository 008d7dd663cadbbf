"""Bytes as bad cables and bad people leave them, and messages of protobuf with their fields turned upside down. Pure."""

from __future__ import annotations

from random import Random

_ODD = (b"\x00", b"\xff", b"\r\n", b"\r\n\r\n", b"\xff\xff\xff\xff", b"\x80\x00", b"%00", b"--", b'"', b"\\u0000", b"{", b"[")
_DEEP = 3000
_LONGEST_VARINT = b"\xff" * 9 + b"\x01"


def mutated_bytes(rng: Random, data: bytes) -> bytes:
    """One to eight changes: bits flipped, pieces overwritten, put in, taken out, doubled, moved, or the end cut off."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 8))):
        at = rng.randrange(len(changed) + 1) if rng.random() < 0.5 else rng.randrange(min(len(changed), 200) + 1)
        match rng.randrange(8):
            case 0 | 1 if at < len(changed):
                changed[at] ^= 1 << rng.randrange(8)
            case 2:
                some = rng.randbytes(rng.randint(1, 4))
                changed[at : at + len(some)] = some
            case 3:
                changed[at:at] = rng.choice(_ODD)
            case 4:
                del changed[at : at + rng.randint(1, 40)]
            case 5:
                changed[at:at] = changed[at : at + rng.randint(1, 200)]
            case 6:
                piece = changed[at : at + rng.randint(1, 60)]
                to = rng.randrange(len(changed) + 1)
                changed[to : to + len(piece)] = piece
            case _:
                del changed[at:]
    return bytes(changed)


def mutated_message(rng: Random, data: bytes) -> bytes:
    """A protobuf message, changed bytewise or field by field."""
    match rng.randrange(8):
        case 0 | 1 | 2:
            return mutated_bytes(rng, data)
        case 3:
            return data + b"".join(_field(rng) for _ in range(rng.choice((1, 3, 200))))
        case 4:
            return _field(rng) + data
        case 5:
            return _nested(rng.choice((3, 90, 101, _DEEP)), rng.randint(1, 6), data)
        case 6:
            return data * rng.choice((2, 17, 40))
        case _:
            return b"".join(_field(rng) for _ in range(rng.randint(0, 12)))


def _field(rng: Random) -> bytes:
    """A field with any number and any wire type, whose content fits or does not."""
    number = rng.choice((1, 2, 3, 4, 5, 6, 12, 15, 16, 2047, 2**29 - 1, 0))
    kind = rng.randrange(8)
    content = {
        0: rng.choice((b"\x00", b"\x7f", _LONGEST_VARINT, b"\xff" * 11)),
        1: rng.randbytes(8),
        2: _text(rng),
        5: rng.randbytes(4),
    }.get(kind, b"")
    return _varint(number << 3 | kind) + content


def _text(rng: Random) -> bytes:
    """With its length; at times a length that lies."""
    data = rng.choice((b"", b"a", b"\xff\xfe", rng.randbytes(20), b"\x0a\x00" * 50))
    said = len(data) if rng.random() < 0.7 else rng.choice((len(data) + 1, 2**31, 2**63, 0))
    return _varint(said) + data


def _nested(depth: int, number: int, inside: bytes) -> bytes:
    """Messages in messages."""
    head = _varint(number << 3 | 2)
    for _ in range(depth):
        inside = head + _varint(len(inside)) + inside
    return inside


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
