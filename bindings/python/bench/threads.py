"""How much faster two Python threads that share a detector score than one does, where each call has a thread of
its own, as servers want it, and where each has as many as there are cores, which is usual:

    pip install unlike
    python bindings/python/bench/threads.py

One call that has all cores leaves none for another where its batch is large. Let the machine do nothing else meanwhile.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import unlike

warnings.simplefilter("ignore", unlike.NoteWarning)


def seconds(work: Callable[[int], None], calls: int) -> float:
    """The least of five times."""
    times = []
    for _ in range(5):
        since = time.perf_counter()
        work(calls)
        times.append(time.perf_counter() - since)
    return min(times)


def main() -> None:
    X = np.random.default_rng(0).normal(size=(100_000, 20)).astype(np.float32)
    detectors = [unlike.EGBAD(epochs=3), unlike.PCA(), unlike.KNN(), unlike.IForest()]
    print("| detector | rows a call | threads a call | ms a call | two threads, times one |\n" + "| --- " * 5 + "|")
    with ThreadPoolExecutor(2) as pool:
        for detector in detectors:
            detector.fit(X[:3000])
            cores = os.cpu_count() or 1
            for threads, rows, calls in ((t, *size) for t in (1, cores) for size in ((1, 400), (64, 400), (20_000, 4))):
                unlike.set_threads(threads)
                batch = X[:rows]

                def score(calls: int) -> None:
                    for _ in range(calls):
                        detector.decision_function(batch)

                def both(calls: int) -> None:
                    list(pool.map(score, [calls // 2] * 2))

                one, two = seconds(score, calls), seconds(both, calls)
                name = type(detector).__name__
                print(f"| {name} | {rows:,} | {threads} | {1e3 * one / calls:.2f} | {one / two:.2f} |", flush=True)


if __name__ == "__main__":
    main()
