"""The examples on clusters run, and show what they say."""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs an example in a folder of its own, and gives what it found."""
    monkeypatch.chdir(tmp_path)
    examples = Path(__file__).resolve().parents[1] / "examples"
    return lambda name: runpy.run_path(str(examples / name))


def test_on_ray(run) -> None:
    told = run("on_ray.py")
    assert set(told["written"]["score"].nlargest(10).index) == {f"f{at}" for at in range(4990, 5000)}


def test_on_spark(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "PYSPARK_PYTHON", sys.executable)
    told = run("on_spark.py")
    assert set(told["collected"].nlargest(10, "score")["payment"]) == set(range(19_990, 20_000))
