"""Compresses a file unit by unit, as writers of dumps do, with the C libraries that these use.

python3 code_units.py zlib|lzo|snappy|zstd UNIT_BYTES FILE OUT
OUT has for each unit its length (u32, little-endian) and its bytes; 0: the unit is zero.
"""

import ctypes
import ctypes.util
import struct
import sys
import zlib

SIZE = ctypes.c_size_t


def library(name):
    found = ctypes.util.find_library(name)
    if found is None:
        sys.exit(f"lib{name} is not installed")
    return ctypes.CDLL(found)


def lzo(room):
    lib = library("lzo2")
    work = ctypes.create_string_buffer(64 * 1024 * 2)
    target = ctypes.create_string_buffer(room)

    def code(unit):
        size = SIZE(room)
        assert lib.lzo1x_1_compress(unit, SIZE(len(unit)), target, ctypes.byref(size), work) == 0
        return target.raw[: size.value]

    return code


def snappy(room):
    lib = library("snappy")
    target = ctypes.create_string_buffer(room)

    def code(unit):
        size = SIZE(room)
        assert lib.snappy_compress(unit, SIZE(len(unit)), target, ctypes.byref(size)) == 0
        return target.raw[: size.value]

    return code


def zstd(room):
    lib = library("zstd")
    lib.ZSTD_compress.restype = SIZE
    target = ctypes.create_string_buffer(room)

    def code(unit):
        # makedumpfile's level
        size = lib.ZSTD_compress(target, SIZE(room), unit, SIZE(len(unit)), ctypes.c_int(1))
        assert size <= room
        return target.raw[:size]

    return code


def main():
    kind, unit_bytes, file, out = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
    room = unit_bytes * 2 + 1024
    # the level of makedumpfile and of QEMU
    code = (lambda unit: zlib.compress(unit, 1)) if kind == "zlib" else {"lzo": lzo, "snappy": snappy, "zstd": zstd}[kind](room)
    zero = bytes(unit_bytes)
    with open(file, "rb") as source, open(out, "wb") as target:
        while unit := source.read(unit_bytes):
            coded = b"" if unit == zero else code(unit)
            target.write(struct.pack("<I", len(coded)) + coded)


main()
