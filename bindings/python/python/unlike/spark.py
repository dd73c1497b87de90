"""Scoring on a Spark cluster: ``pip install "unlike[spark]"``.

Spark distributes and retries; each of its tasks does what one process does, so scores are the same bits.

>>> import unlike.spark                                                       # doctest: +SKIP
>>> flows = spark.read.parquet("s3://flows/2026-11/")                         # doctest: +SKIP
>>> unlike.spark.score(flows, "runs/egbad-flows").write.parquet("s3://scores") # doctest: +SKIP
"""

from __future__ import annotations

import functools
import hashlib
import os
import tempfile
from collections.abc import Iterator
from typing import Any

from . import _cluster
from ._errors import InputError

try:
    import pyarrow
    from pyspark import SparkFiles
    from pyspark.sql import DataFrame
    from pyspark.sql.types import BooleanType, DoubleType, StructField, StructType
except ImportError as error:
    raise _cluster.missing("spark", "pyspark[sql]") from error

__all__ = ["score"]


def score(
    df: DataFrame, model: _cluster.Model, *, image_column: str = "path", prefix: str = ""
) -> DataFrame:
    """The frame with the columns ``score``, ``p_value`` (doubles) and ``anomalous`` (boolean), when it is computed.

    Rows stay in their partitions, in their order, with all columns; those that the model does not know are not looked
    at. A task has as many threads as ``spark.task.cpus`` says, and takes as many rows at a time as
    ``spark.sql.execution.arrow.maxRecordsPerBatch`` says; scores depend on neither.

    Parameters
    ----------
    df : pyspark.sql.DataFrame
        Rows; or the paths of images, which every worker can read. Not of Spark Connect.
    model : fitted detector, or path
        What scores. Its file travels to each worker once. Of a detector, samples that score at least its
        ``threshold_`` are ``anomalous``.
    image_column : str
        Where the paths are, for a model of images.
    prefix : str
        What the names of the added columns begin with.

    Raises
    ------
    InputError
        If there is a column of such a name already, or the session is one of Spark Connect; and when the frame is
        computed, within Spark's error, if samples do not fit the model.
    NotFittedError, FileError
        If the detector is not fitted, or the model cannot be read.
    """
    detector = _cluster.opened(model)
    names = [prefix + name for name in _cluster.ADDED]
    _cluster.refuse_taken(names, df.columns)
    context = getattr(df, "_sc", None)
    if context is None:
        raise InputError("the frame is one of Spark Connect; expected one of a session with a SparkContext")
    types = (DoubleType(), DoubleType(), BooleanType())
    added = [StructField(name, type, nullable=False) for name, type in zip(names, types)]
    run = functools.partial(
        _score,
        file=_ship(context, detector.to_bytes()),
        threshold=detector.threshold_,
        threads=int(context.getConf().get("spark.task.cpus", "1")),
        image_column=image_column,
        prefix=prefix,
    )
    return df.mapInArrow(run, StructType([*df.schema.fields, *added]))


@functools.cache
def _shipped() -> tempfile.TemporaryDirectory[str]:
    """Where models are for as long as this process lives: Spark reads them whenever a new worker asks."""
    return tempfile.TemporaryDirectory(prefix="unlike-")


def _ship(context: Any, model: bytes) -> str:
    """Hands the file of a model to Spark, under a name that no other model has."""
    name = f"unlike-{hashlib.sha256(model).hexdigest()[:32]}.safetensors"
    path = os.path.join(_shipped().name, name)
    if not os.path.exists(path):
        with open(path, "wb") as file:
            file.write(model)
    context.addFile(path)
    return name


@functools.lru_cache(maxsize=4)
def _opened(path: str, threshold: float, threads: int, image_column: str, prefix: str) -> _cluster.Scorer:
    """Once in a process, which does many tasks."""
    return _cluster.Scorer(path, threshold, threads, image_column, prefix)


def _score(
    batches: Iterator[pyarrow.RecordBatch],
    file: str,
    threshold: float,
    threads: int,
    image_column: str,
    prefix: str,
) -> Iterator[pyarrow.RecordBatch]:
    scorer = _opened(SparkFiles.get(file), threshold, threads, image_column, prefix)
    for batch in batches:
        yield from scorer.rows(pyarrow.Table.from_batches([batch])).to_batches()
