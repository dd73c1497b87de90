"""What tests share: data, and the command line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import unlike

Array = npt.NDArray[np.float64]


@pytest.fixture(scope="session")
def normals() -> Array:
    """Rows whose columns go together."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(600, 2))
    return np.hstack([z, z @ rng.normal(size=(2, 3)) + 0.05 * rng.normal(size=(600, 3))])


@pytest.fixture(scope="session")
def mixed(normals: Array) -> tuple[Array, npt.NDArray[np.int64]]:
    """Twenty normals and ten rows far from them, with labels."""
    rng = np.random.default_rng(1)
    return np.vstack([normals[:20], 9 + rng.normal(size=(10, 5))]), np.repeat([0, 1], [20, 10])


@pytest.fixture(scope="session")
def images() -> npt.NDArray[np.uint8]:
    """Sixty grey images of 16 × 16 pixels with a bright square in the middle."""
    rng = np.random.default_rng(2)
    images = rng.integers(0, 40, size=(60, 16, 16, 1))
    images[:, 5:11, 5:11] += 180
    return images.astype(np.uint8)


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the command `unlike` in a folder of its own."""

    def run(*words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "unlike", *words], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == code, done.stderr
        return done

    return run


def fitted(cls: type[unlike.Detector], X: object, **arguments: object) -> unlike.Detector:
    """A detector after a short training."""
    if "epochs" in cls._parameters():
        arguments = {"epochs": 2, **arguments}
    return cls(**arguments).fit(X)
