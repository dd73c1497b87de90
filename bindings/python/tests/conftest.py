"""What tests share: data, the command line, and images as files."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
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


def write_png(path: Path, image: npt.NDArray[np.uint8]) -> None:
    """A grey image, `[height, width]`, as a file."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    height, width = image.shape
    rows = b"".join(b"\0" + row.tobytes() for row in image)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def fitted(cls: type[unlike.Detector], X: object, **arguments: object) -> unlike.Detector:
    """A detector after a short training."""
    if "epochs" in cls._parameters():
        arguments = {"epochs": 2, **arguments}
    return cls(**arguments).fit(X)
