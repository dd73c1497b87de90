"""Spark does what one process does, and lives through the death of a worker."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pyarrow
import pytest
import unlike

os.environ["PYSPARK_PYTHON"] = sys.executable

import unlike.spark  # noqa: E402
from pyspark.errors import PythonException  # noqa: E402
from pyspark.sql import DataFrame, SparkSession  # noqa: E402

# Spark's own, about versions of pandas.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning")


@pytest.fixture(scope="module")
def session():
    # Two workers, and four tries of a task: local Spark otherwise gives up at the first death.
    builder = SparkSession.builder.master("local[2,4]").config("spark.ui.enabled", "false")
    builder = builder.config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1")
    # So that a worker can be told from those of other tests.
    builder = builder.config("spark.python.worker.reuse", "false")
    builder = builder.config("spark.sql.execution.arrow.maxRecordsPerBatch", "1000")
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.fixture
def table(table: pyarrow.Table) -> pyarrow.Table:
    """Spark has no times of day."""
    return table.drop_columns(["seen"])


@pytest.fixture
def frame(session: SparkSession, table: pyarrow.Table) -> DataFrame:
    return session.createDataFrame(table)


def test_two_workers_score_as_one_process_does(frame: DataFrame, detector, same) -> None:
    scored = unlike.spark.score(frame, detector)
    told = [(field.name, field.dataType.simpleString()) for field in scored.schema][-3:]
    assert told == [("score", "double"), ("p_value", "double"), ("anomalous", "boolean")]
    same(scored.toArrow())


def test_the_death_of_a_worker_changes_nothing(frame: DataFrame, detector, same, killing_a_worker) -> None:
    with killing_a_worker() as killed:
        scored = unlike.spark.score(frame, detector).toArrow()
    assert killed
    same(scored)


def test_what_does_not_fit_is_told(frame: DataFrame, detector, tmp_path: Path) -> None:
    with pytest.raises(unlike.InputError, match="have a column `score` already"):
        unlike.spark.score(unlike.spark.score(frame, detector), detector)
    with pytest.raises(unlike.NotFittedError):
        unlike.spark.score(frame, unlike.KNN())
    path = tmp_path / "model.safetensors"
    detector.save(path)
    with pytest.raises(PythonException, match="no column `1`"):
        unlike.spark.score(frame.limit(10).drop("1"), path).toArrow()
