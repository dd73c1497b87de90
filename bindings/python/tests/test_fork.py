"""A process that was forked has none of the threads of the one before, and works all the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

# Enough rows that all threads have work; one after the other, the parent, a child, and the child of a child.
SCRIPT = """
import os, sys, warnings
import numpy as np, unlike
warnings.simplefilter("ignore")
{before}
X = np.random.default_rng(0).normal(size=(3000, 5))
images = np.random.default_rng(0).integers(0, 255, size=(60, 16, 16, 1)).astype(np.uint8)

def work():
    told = []
    for detector in (unlike.KNN(), unlike.IForest(), unlike.EGBAD(epochs=1)):
        told.append(detector.fit(X).decision_function(X).tobytes())
        told.append(detector.report(X[:50], np.arange(50) % 2).json())
        told.append(unlike.Detector.to_bytes(detector))
    pictures = unlike.KNN(features="dct").fit(images)
    told += [pictures.anomaly_map(images).tobytes(), scored.decision_function(X).tobytes()]
    return told

def forked(task):
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if task() else 3)
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(4)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

scored = unlike.KNN().fit(X)
expected = work()

def child():
    {after}
    return work() == expected and forked(lambda: work() == expected) == 0

sys.exit(forked(child) or (0 if work() == expected else 5))
"""


def ended(script: str) -> tuple[int, str]:
    """How a script ends, and what it complains of. Of one that hangs, nothing is left running."""
    process = subprocess.Popen(
        [sys.executable, "-c", script], stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        _, told = process.communicate(timeout=300)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    return process.returncode, told


@pytest.mark.parametrize("before", ["", "unlike.set_threads(2)", "unlike.set_threads(1)"])
@pytest.mark.parametrize("after", ["", "unlike.set_threads(3)"])
def test_a_forked_process_fits_and_scores_to_the_same_bits(before: str, after: str) -> None:
    script = textwrap.dedent(SCRIPT.format(before=before, after=after))
    assert ended(script) == (0, "")


def test_a_pool_of_processes_scores_with_a_detector_of_the_parent() -> None:
    script = """
import multiprocessing, warnings
import numpy as np, unlike
warnings.simplefilter("ignore")
X = np.random.default_rng(0).normal(size=(3000, 5))
detector = unlike.KNN().fit(X)
expected = detector.decision_function(X)
with multiprocessing.get_context("fork").Pool(2) as pool:
    for scores in pool.map(detector.decision_function, [X] * 4):
        assert np.array_equal(scores, expected)
"""
    assert ended(script) == (0, "")


def test_a_network_of_a_file_runs_in_a_forked_process() -> None:
    network = Path(__file__).resolve().parents[3] / "crates/unlike-features/tests/golden/small.onnx"
    script = f"""
import multiprocessing, warnings
import numpy as np, unlike
warnings.simplefilter("ignore")
images = np.random.default_rng(0).integers(0, 255, size=(60, 32, 32, 3)).astype(np.uint8)
detector = unlike.KNN(features={str(network)!r}).fit(images)
expected = detector.decision_function(images)


def inherited(_):
    # The detector that was there before the fork, not one that was sent.
    return detector.decision_function(images)

with multiprocessing.get_context("fork").Pool(1) as pool:
    assert np.array_equal(pool.map(inherited, [0])[0], expected)
"""
    assert ended(script) == (0, "")
