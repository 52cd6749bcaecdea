"""Lets a shared library take an older version of what it takes from glibc.

    lower-version.py LIBRARY NEW OLD     such as libcairo.so.2 GLIBC_2.35 GLIBC_2.2.5

glibc keeps older versions of functions under older names: of hypot, which libcairo calls, the one before 2.35 differs in
errno alone. The entry NEW among the versions that the library needs becomes another one of OLD.
"""

import struct
import sys

NEEDED_VERSIONS = 0x6FFFFFFE


def elf_hash(name):
    """https://refspecs.linuxbase.org/elf/gabi4+/ch5.dynamic.html#hash"""
    value = 0
    for byte in name:
        value = (value << 4) + byte
        high = value & 0xF0000000
        value = (value ^ (high >> 24)) & ~high & 0xFFFFFFFF
    return value


def main(path, new, old):
    data = bytearray(open(path, "rb").read())
    table, = struct.unpack_from("<Q", data, 40)
    size, count = struct.unpack_from("<HH", data, 58)
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, table + i * size) for i in range(count)]
    needed = next(section for section in sections if section[1] == NEEDED_VERSIONS)
    names = sections[needed[6]][4]

    def name_at(offset):
        return bytes(data[names + offset:data.index(0, names + offset)])

    entries = []
    file = needed[4]
    for _ in range(needed[7]):
        _, versions, _, first, following = struct.unpack_from("<HHIII", data, file)
        entry = file + first
        for _ in range(versions):
            entries.append(entry)
            entry += struct.unpack_from("<I", data, entry + 12)[0]
        file += following
    places = {name_at(struct.unpack_from("<I", data, entry + 8)[0]): entry for entry in entries}
    if old not in places or new not in places:
        sys.exit(f"lower-version: {path} needs {b', '.join(sorted(places)).decode()}")
    name, = struct.unpack_from("<I", data, places[old] + 8)
    struct.pack_into("<I", data, places[new], elf_hash(old))
    struct.pack_into("<I", data, places[new] + 8, name)
    open(path, "wb").write(data)


main(sys.argv[1], sys.argv[2].encode(), sys.argv[3].encode())
