"""Makes the Parquet files beside it and in test/spectrum/pyarrow, with pyarrow 26.0.1: python3 make.py"""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

TRACES = Path(__file__).parent
SPECTRA = TRACES.parent.parent / "spectrum" / "pyarrow"
PAGES = 24


def write(table, path, footer={}, row_group_size=None, **options):
    with pq.ParquetWriter(path, table.schema, store_schema=False, **options) as file:
        file.write_table(table, row_group_size)
        file.add_key_value_metadata(footer)


# Pages 0 to 2 are equal, 3 to 5, and so on; 6 to 8 are zero pages.
trace = pa.table(
    {
        "member": ["m"] * PAGES,
        "time_s": [0.0] * PAGES,
        "page_bytes": pa.array([4096] * PAGES, pa.int32()),
        "page": list(range(PAGES)),
        "fingerprint": pa.array([bytes((i // 3 * 7 + k * 13) % 251 for k in range(16)) for i in range(PAGES)], pa.binary(16)),
        "zero": [i // 3 == 2 for i in range(PAGES)],
    }
)
required = trace.cast(pa.schema([field.with_nullable(False) for field in trace.schema]))
DELTAS = {"page_bytes": "DELTA_BINARY_PACKED", "page": "DELTA_BINARY_PACKED", "time_s": "BYTE_STREAM_SPLIT"}
BARE = {"use_dictionary": False, "write_statistics": False}
V2 = {"data_page_version": "2.0"}

write(trace, TRACES / "snappy-v1-dictionary.parquet", compression="snappy", write_statistics=False)
write(trace, TRACES / "snappy-v1-plain.parquet", compression="snappy", use_dictionary=False)
write(trace, TRACES / "gzip-v1-plain.parquet", compression="gzip", use_dictionary=False)
write(trace, TRACES / "zstd-v2-dictionary.parquet", compression="zstd", write_statistics=False, **V2)
write(required, TRACES / "snappy-v2-required.parquet", compression="snappy", use_dictionary=False, **V2)
encodings = DELTAS | {"member": "DELTA_BYTE_ARRAY", "fingerprint": "DELTA_BYTE_ARRAY", "zero": "RLE"}
write(trace, TRACES / "none-v2-deltas.parquet", compression="none", column_encoding=encodings, **BARE, **V2)
encodings = DELTAS | {"member": "DELTA_LENGTH_BYTE_ARRAY", "fingerprint": "BYTE_STREAM_SPLIT", "zero": "PLAIN"}
write(trace, TRACES / "zstd-v1-deltas.parquet", compression="zstd", column_encoding=encodings, **BARE)
write(trace, TRACES / "small-pages.parquet", compression="snappy", data_page_size=64, write_batch_size=5, write_statistics=False)
write(trace, TRACES / "small-row-groups.parquet", compression="gzip", row_group_size=12, write_statistics=False, **V2)

# Three contents of a alone, two of both, and the zero content.
world = {
    "time_s": 0,
    "members": [{"member": "a", "labels": {"tenant": "red"}}, {"member": "b", "labels": {"tenant": "blue"}}],
    "sizes": [{"page_bytes": 4096, "pages": [9, 5], "zero_pages": [4, 1]}],
}
spectrum = pa.table(
    {
        "time_s": [0.0] * 3,
        "page_bytes": pa.array([4096] * 3, pa.int32()),
        "zero": [False, False, True],
        "members": [["a"], ["a", "b"], ["a", "b"]],
        "copies": pa.array([[1], [1, 2], [4, 1]], pa.list_(pa.int32())),
        "contents": [3, 2, 1],
    }
)
footer = {"pagekin.worlds": json.dumps([world]), "pagekin.labels": '["tenant"]'}

write(spectrum, SPECTRA / "snappy-v1.parquet", footer, compression="snappy", write_statistics=False)
write(spectrum, SPECTRA / "gzip-v2.parquet", footer, compression="gzip", write_statistics=False, **V2)
encodings = {"members.list.element": "DELTA_BYTE_ARRAY", "copies.list.element": "DELTA_BINARY_PACKED"}
write(spectrum, SPECTRA / "zstd-v2-deltas.parquet", footer, compression="zstd", column_encoding=encodings, **BARE, **V2)
