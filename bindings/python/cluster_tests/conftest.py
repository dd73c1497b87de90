"""What tests of Ray and Spark share: rows with other columns beside them, and a hand that kills workers."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow
import pytest
import unlike

ROWS = 60_000


@pytest.fixture(scope="session")
def rows() -> npt.NDArray[np.float64]:
    rng = np.random.default_rng(0)
    z = rng.normal(size=(ROWS, 2))
    return np.hstack([z, z @ rng.normal(size=(2, 3)) + 0.05 * rng.normal(size=(ROWS, 3))])


@pytest.fixture(scope="session")
def detector(rows: npt.NDArray[np.float64]) -> unlike.Detector:
    """One that takes its time: rows are scored while a test looks for the worker that does it."""
    return unlike.KNN().fit(rows[:20_000])


@pytest.fixture(scope="session")
def table(rows: npt.NDArray[np.float64]) -> pyarrow.Table:
    """The rows, with columns that the model does not know, of a type that it cannot read among them."""
    columns = {str(at + 1): rows[:, at] for at in range(5)}
    seen = pyarrow.array(range(ROWS), pyarrow.time32("ms"))
    return pyarrow.table({"id": np.arange(ROWS), **columns, "seen": seen, "note": ["süß"] * ROWS})


@pytest.fixture
def same(rows, table, detector) -> Callable[[pyarrow.Table], None]:
    """Checks that a scored table is what one process makes of it, bit for bit and in its order."""
    scores, p_values, flags = detector.decision_function(rows), detector.p_values(rows), detector.predict(rows)

    def same(scored: pyarrow.Table) -> None:
        assert scored.column_names == [*table.column_names, "score", "p_value", "anomalous"]
        assert scored.select(table.column_names).to_pydict() == table.to_pydict()
        assert np.array_equal(scored["score"].to_numpy(), scores)
        assert np.array_equal(scored["p_value"].to_numpy(), p_values)
        assert np.array_equal(scored["anomalous"].to_numpy(zero_copy_only=False), flags == 1)

    return same


def _workers() -> set[int]:
    """Other processes that loaded the library."""
    found = set()
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            try:
                if "/_unlike.abi3.so" in (process / "maps").read_text():
                    found.add(int(process.name))
            except OSError:
                continue
    return found


@pytest.fixture
def killing_a_worker() -> Callable[[], Iterator[list[int]]]:
    """While this is entered, the first worker of this test that scores is killed; then its number is in the list."""

    @contextmanager
    def killing() -> Iterator[list[int]]:
        before, killed, over = _workers(), [], threading.Event()

        def kill() -> None:
            while not over.is_set():
                for worker in _workers() - before:
                    # It has the model by now, and a batch.
                    time.sleep(0.5)
                    if not over.is_set():
                        os.kill(worker, signal.SIGKILL)
                        killed.append(worker)
                    return
                time.sleep(0.01)

        hand = threading.Thread(target=kill)
        hand.start()
        try:
            yield killed
        finally:
            over.set()
            hand.join()

    return killing
