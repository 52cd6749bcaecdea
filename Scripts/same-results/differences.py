"""What a run left behind, without what is meant to vary, and where two runs differ first."""

import io
import re
import stat
import struct
import zlib
from fnmatch import fnmatch

import numpy as np

TIME = rb"\d[\d.,]* ?(?:ns|\xc2\xb5s|\xce\xbcs|ms|s|min|h|days?)\b"

# All that may vary between two runs of equal programs: where it stands, and the pattern that is taken out. The date
# does not: SOURCE_DATE_EPOCH holds it. Nor does the command line, nor a path: both programs are called `cka` and run in
# folders of the same name.
VARIES = [
    # Which program it was: its path behind a name that is the same for all.
    ("*.json", rb'"version" : "[^"]*"'),
    ("*.html", rb'"Version","value":"[^"]*"'),
    ("version", rb"\d+\.\d+\.\d+\S*"),
    # How long it took, how fast that is, and the memory it had taken, from which it predicts what it will take.
    ("*.json", rb'"timings" : \{[^}]*\}'),
    ("*.json", rb'"(?:seconds|peakMemory|expectedSeconds)" : [\d.e+-]+'),
    ("*.html", rb'"Time","value":"[^"]*"'),
    ("std*", rb"\bin " + TIME),
    ("std*", rb", \d[\d.,]* [GMT]?FLOP/s"),
    ("std*", rb"expected time +" + TIME),
    ("std*", rb"peak memory +[\d.]+ [KMG]iB|at least --memory \d+M"),
    # Which process wrote to the store.
    ("*/lock", rb"process \d+ on .*"),
]


def normalized(name, data):
    """The bytes of a file, or of standard output or error, without what may vary."""
    for place, pattern in VARIES:
        if fnmatch(name, place):
            data = re.sub(pattern, b"~", data)
    return data


def leave_out(name, data, patterns):
    for place, pattern in patterns:
        if fnmatch(name, place):
            data = re.sub(pattern, b"~", data)
    return data


def files(folder):
    """The files below a folder, and its tree as text."""
    found, tree = {}, []
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        kind = path.lstat().st_mode
        tree.append(f"{stat.filemode(kind)} {name}" + (f" -> {path.readlink()}" if path.is_symlink() else ""))
        if stat.S_ISREG(kind):
            found[name] = path
    return found, "\n".join(tree).encode()


def short(data):
    """Bytes as a reader may see them on one line."""
    return data.decode(errors="backslashreplace").strip().replace("\n", "\\n") or "nothing"


def in_text(left, right):
    """The first line that differs, cut around the place."""
    for number, (a, b) in enumerate(zip((left + b"\n\0").split(b"\n"), (right + b"\n\0").split(b"\n")), 1):
        if a != b:
            at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
            cut = slice(max(at - 60, 0), at + 60)
            ends = [short(side[cut]) if side != b"\0" else "the end" for side in (a, b)]
            return f"line {number}, byte {at + 1}", *ends
    return "", "", ""


def in_bytes(left, right):
    at = next((i for i, (x, y) in enumerate(zip(left, right)) if x != y), min(len(left), len(right)))
    return f"byte {at} of {len(left)} and {len(right)}", left[at:at + 8].hex(" "), right[at:at + 8].hex(" ")


def in_array(left, right):
    """The first number that differs in its bits."""
    a, b = (np.load(io.BytesIO(side)) for side in (left, right))
    if a.shape != b.shape or a.dtype != b.dtype:
        return "shape and type", f"{a.shape} {a.dtype}", f"{b.shape} {b.dtype}"
    bits = [np.ascontiguousarray(side).reshape(-1).view(f"u{side.itemsize}") for side in (a, b)]
    unlike = np.flatnonzero(bits[0] != bits[1])
    if not len(unlike):
        return in_bytes(left, right)
    index = tuple(int(i) for i in np.unravel_index(unlike[0], a.shape))
    return f"{list(index)}, one of {len(unlike)} of {a.size} numbers", repr(a[index]), repr(b[index])


def chunks(png):
    """The chunks of a PNG: names and bytes."""
    place = 8
    while place < len(png):
        length, = struct.unpack(">I", png[place:place + 4])
        yield png[place + 4:place + 8], png[place + 8:place + 8 + length]
        place += 12 + length


def pixels(png):
    """The decoded pixels of an 8-bit PNG, rows × columns × channels, and its other chunks."""
    header, packed, others = b"", b"", []
    for name, data in chunks(png):
        if name == b"IHDR":
            header = data
        elif name == b"IDAT":
            packed += data
        else:
            others.append((name, data))
    width, height, depth, color, *rest = struct.unpack(">IIBBBBB", header)
    if depth != 8 or color not in (0, 2, 6) or any(rest):
        raise ValueError("a PNG of another kind than 8-bit gray, RGB or RGBA, not interlaced")
    channels = {0: 1, 2: 3, 6: 4}[color]
    raw = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, 1 + width * channels)
    image = np.zeros((height + 1, width + 1, channels), np.int32)
    for y in range(height):
        kind, row = raw[y, 0], raw[y, 1:].reshape(width, channels)
        above = image[y]
        if kind == 0:
            image[y + 1, 1:] = row
        elif kind == 1:
            image[y + 1, 1:] = np.cumsum(row, axis=0) & 255
        elif kind == 2:
            image[y + 1, 1:] = (row + above[1:]) & 255
        else:
            for x in range(width):
                a, b, c = image[y + 1, x], above[x + 1], above[x]
                if kind == 3:
                    guess = (a + b) >> 1
                else:
                    pa, pb, pc = abs(b - c), abs(a - c), abs(a + b - 2 * c)
                    guess = np.where((pa <= pb) & (pa <= pc), a, np.where(pb <= pc, b, c))
                image[y + 1, x + 1] = (row[x] + guess) & 255
    return image[1:, 1:], others


def in_picture(left, right):
    """The first pixel that differs; nothing where two files pack the same pixels differently."""
    (a, others_a), (b, others_b) = pixels(left), pixels(right)
    if a.shape != b.shape:
        return "size", f"{a.shape}", f"{b.shape}"
    unlike = np.argwhere((a != b).any(axis=2))
    if len(unlike):
        y, x = (int(i) for i in unlike[0])
        return f"pixel {x}, {y}, one of {len(unlike)}", str(a[y, x].tolist()), str(b[y, x].tolist())
    if others_a != others_b:
        return "chunks beside the pixels", str(others_a), str(others_b)
    return None


def first(name, left, right):
    """Where two files differ first, and what each has there; nothing where they are the same."""
    if left == right:
        return None
    if left is None or right is None:
        return "the file", *("is missing" if side is None else f"has {len(side)} bytes" for side in (left, right))
    try:
        if name.endswith(".npy"):
            return in_array(left, right)
        if name.endswith(".png"):
            return in_picture(left, right)
    except (ValueError, struct.error, zlib.error) as error:
        return in_bytes(left, right)[0] + f" ({error})", *in_bytes(left, right)[1:]
    if b"\0" in left + right or name.endswith(".pdf"):
        return in_bytes(left, right)
    return in_text(left, right)


def numbers(name, data):
    """How many numbers a file of an array holds."""
    return int(np.load(io.BytesIO(data)).size) if name.endswith(".npy") else 0
