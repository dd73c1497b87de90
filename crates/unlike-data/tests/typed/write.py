"""Writes the Parquet and Arrow files beside it, each in the way of another program.

    pip install pandas pyarrow polars && python write.py
"""

import datetime as dt
import decimal
import pathlib

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.ipc as ipc
import pyarrow.parquet as pq

here = pathlib.Path(__file__).parent
n = 12
moments = [dt.datetime(2024, 3, 5, 6, 30) + dt.timedelta(hours=7 * i) for i in range(n)]
columns = {
    "whole": [i - 3 for i in range(n)],
    "small": np.arange(n, dtype=np.uint8) + 240,
    "large": [9_007_199_254_740_993 + i for i in range(n)],
    "real": [None if i == 4 else i / 8 for i in range(n)],
    "single": np.array([0.1 * i for i in range(n)], dtype=np.float32),
    "half": np.array([i / 4 for i in range(n)], dtype=np.float16),
    "text": [None if i == 2 else ["süß", "sauer"][i % 2] for i in range(n)],
    "truth": [i % 3 == 0 for i in range(n)],
    "price": [decimal.Decimal(i * 25 - 50) / 100 for i in range(n)],
    "day": [m.date() for m in moments],
    "moment": moments,
    "label": [int(i > 9) for i in range(n)],
}

# An index that is no feature, and categories as dictionaries.
frame = pd.DataFrame(columns, index=np.arange(n) * 10)
frame["grade"] = pd.Categorical(["a", "b", "c"] * 4)
frame.to_parquet(here / "pandas.parquet", engine="pyarrow")

polars = pl.DataFrame({k: v for k, v in columns.items() if k != "half"})
polars.write_parquet(here / "polars.parquet", compression="zstd", row_group_size=5)

arrow = pa.Table.from_pandas(frame, preserve_index=False)
pq.write_table(
    arrow,
    here / "old.parquet",
    compression="gzip",
    version="1.0",
    use_deprecated_int96_timestamps=True,
    store_schema=False,
    use_dictionary=False,
    data_page_size=32,
)
pq.write_table(arrow, here / "new.parquet", compression="lz4", data_page_version="2.0", row_group_size=7)

nested = pa.table(
    {
        "id": [f"r{i}" for i in range(n)],
        "place": [{"x": i, "y": None if i == 1 else i * 2.5} for i in range(n)],
        "list": [[i, i + 1] for i in range(n)],
    }
)
pq.write_table(nested, here / "nested.parquet")

# The same in Arrow's own ways.
arrow = pa.Table.from_pandas(frame)
feather.write_feather(arrow, here / "feather.arrow", compression="lz4", chunksize=5)
polars.write_ipc(here / "polars.arrow", compression="zstd")
with ipc.new_stream(here / "stream.arrows", arrow.schema) as stream:
    stream.write_table(arrow, max_chunksize=7)
with ipc.new_file(here / "nested.arrow", nested.schema) as file:
    file.write_table(nested)

# Of each type a column.
four = [-1, 0, None, 2]
texts = ["süß", "b", None, "süß"]
instants = [dt.datetime(1970, 1, 1), dt.datetime(1970, 1, 1, 12), None, dt.datetime(1970, 1, 2, 12)]
types = pa.table(
    {
        "int8": pa.array(four, pa.int8()),
        "uint64": pa.array([0, 1, None, 3], pa.uint64()),
        "half": pa.array([None if v is None else np.float16(v / 2) for v in four], pa.float16()),
        "decimal": pa.array([None if v is None else decimal.Decimal(v) / 100 for v in four], pa.decimal128(9, 2)),
        "wide": pa.array([None if v is None else decimal.Decimal(v).scaleb(-30) for v in four], pa.decimal256(50, 30)),
        "tens": pa.array([None if v is None else decimal.Decimal(v).scaleb(2) for v in four], pa.decimal128(9, -2)),
        "time": pa.array([0, 1, None, 3], pa.int32()).cast(pa.time32("s")),
        "clock": pa.array([0, 1, None, 3], pa.int64()).cast(pa.time64("us")),
        "length": pa.array([None if v is None else dt.timedelta(seconds=v) for v in four], pa.duration("ms")),
        "coded": pa.array([7.5, 8.5, None, 7.5]).dictionary_encode(),
        "day": pa.array([0, 1, None, 3], pa.int32()).cast(pa.date32()),
        "moment": pa.array(instants, pa.timestamp("ns", "UTC")),
        "text": pa.array(texts, pa.large_string()),
        "view": pa.array(texts, pa.string_view()),
        "bytes": pa.array([None if t is None else t.encode() for t in texts], pa.binary()),
        "level": pa.array(texts, pa.string()).dictionary_encode(),
        "nothing": pa.nulls(4),
    }
)
with ipc.new_file(here / "types.arrow", types.schema) as file:
    file.write_table(types)

# Half past nine in New York, in winter.
zone = pd.DataFrame({"x": [1.0, 2.0], "when": pd.to_datetime(["2024-01-05 09:30", "2024-01-06 10:00"])})
zone["when"] = zone["when"].dt.tz_localize("America/New_York")
zone.to_parquet(here / "zone.parquet")
feather.write_feather(zone, here / "zone.arrow")
