"""The examples run, and show what they say."""

from __future__ import annotations

import doctest
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import unlike

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    def run(name: str) -> dict[str, Any]:
        return runpy.run_path(str(EXAMPLES / name))

    return run


def test_tables_with_pandas(run) -> None:
    told = run("tables_with_pandas.py")
    assert told["report"].metrics["auroc"] > 0.9
    # 1,840 healthy people: three standard deviations of a calibration on 184, and of the count.
    assert told["false_alarms"] < 0.05 + 3 * np.sqrt(0.05 * 0.95 * (1 / 184 + 1 / 1840))
    assert told["found"] > 0.5


def test_images_to_maps(run) -> None:
    told = run("images_to_maps.py")
    assert told["detector"].p_values(told["scratched"]).max() <= 1 / 11
    for image, where in zip(told["scratched"], told["maps"]):
        scratch = np.argwhere(image == 240)
        peak = np.unravel_index(where.argmax(), where.shape)
        assert np.abs(scratch - peak).sum(axis=1).min() <= 12


def test_from_pyod(run) -> None:
    told = run("from_pyod.py")
    assert (told["p_values"][told["y_test"] == 1] <= 0.02).all()


def test_from_anomalib(run) -> None:
    told = run("from_anomalib.py")
    assert told["report"].metrics["auroc"] > 0.95
    assert told["maps"][0][told["mask"]].mean() > 2 * told["maps"][0][~told["mask"]].mean()


def test_every_example_is_tested() -> None:
    clusters = Path(__file__).resolve().parents[1] / "cluster_tests"
    tested = "".join(tests.read_text() for tests in [Path(__file__), *clusters.glob("test_*.py")])
    for example in EXAMPLES.glob("*.py"):
        assert f'run("{example.name}")' in tested


def test_the_package_does_what_its_first_lines_say() -> None:
    tried = doctest.testmod(unlike)
    assert tried.failed == 0 and tried.attempted > 0
