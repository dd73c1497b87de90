"""Writes the Parquet files beside it, each in the way of another program.

    pip install pandas pyarrow polars && python write.py
"""

import datetime as dt
import decimal
import pathlib

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
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
