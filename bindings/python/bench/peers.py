"""Sets the detectors of this package beside those of PyOD: AUROC, time and memory, on sets of rows.

    pip install unlike pyod scikit-learn pandas torch
    python bindings/python/bench/peers.py FOLDER [--sets cardio,thyroid] [--seeds 0,1,2] [--json FILE]

FOLDER holds archives of `X`, `[rows, columns]`, and `y`, where 1 is an anomaly. Half of the normals train,
drawn by the seed; the others and all anomalies test. Every detector sees columns scaled to the training normals'
mean and standard deviation (ours scale their own way on top), and has its usual settings. Each run is a process of
its own, and its memory the peak of that process above that of Python with NumPy and the data. PyOD's detectors of
networks need PyTorch, and are left out where it is not installed.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import resource
import statistics
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

# Name, package, module, class, arguments.
DETECTORS: list[tuple[str, str, str, str, dict[str, Any]]] = [
    *((name, "unlike", "unlike", name, {}) for name in ("EGBAD", "BiGAN", "FAnoGAN", "GANomaly", "SimpleNet")),
    *((name, "unlike", "unlike", name, {}) for name in ("PCA", "KNN", "PatchCore", "PaDiM", "IForest", "ECOD")),
    ("PCA", "pyod", "pyod.models.pca", "PCA", {}),
    ("KNN", "pyod", "pyod.models.knn", "KNN", {}),
    ("IForest", "pyod", "pyod.models.iforest", "IForest", {}),
    ("ECOD", "pyod", "pyod.models.ecod", "ECOD", {}),
    ("AnoGAN", "pyod", "pyod.models.anogan", "AnoGAN", {}),
    ("ALAD", "pyod", "pyod.models.alad", "ALAD", {}),
    ("DeepSVDD", "pyod", "pyod.models.deep_svdd", "DeepSVDD", {"n_features": "columns"}),
    ("VAE", "pyod", "pyod.models.vae", "VAE", {}),
]
TORCH = {"AnoGAN", "ALAD", "DeepSVDD", "VAE"}


def peak() -> float:
    """MiB that this process has held at most."""
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def auroc(scores: np.ndarray, y: np.ndarray) -> float:
    """The share of pairs of an anomaly and a normal in which the anomaly scores higher; ties count half."""
    values, ranks, counts = np.unique(scores, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts - 1) / 2
    rank = middle[ranks]
    anomalies, normals = int(y.sum()), int((1 - y).sum())
    return float((rank[y == 1].sum() - anomalies * (anomalies + 1) / 2) / (anomalies * normals))


def measure(at: int, path: Path, seed: int) -> dict[str, float]:
    """One detector on one set, in this process."""
    warnings.simplefilter("ignore")
    _, package, module, cls, arguments = DETECTORS[at]
    data = np.load(path)
    X, y = data["X"].astype(np.float64), data["y"].astype(int)
    normals = np.random.default_rng(seed).permutation(np.flatnonzero(y == 0))
    train = normals[: len(normals) // 2]
    test = np.setdiff1d(np.arange(len(y)), train)
    mean, spread = X[train].mean(axis=0), X[train].std(axis=0)
    X = (X - mean) / np.where(spread > 0, spread, 1)
    empty = peak()
    loaded = getattr(importlib.import_module(module), cls)
    arguments = {k: X.shape[1] if v == "columns" else v for k, v in arguments.items()}
    if package == "unlike" or cls == "IForest":
        arguments["random_state"] = seed
    began = time.perf_counter()
    detector = loaded(**arguments)
    detector.fit(X[train])
    fitted = time.perf_counter()
    scores = detector.decision_function(X[test])
    scored = time.perf_counter()
    return {
        "auroc": auroc(np.asarray(scores), y[test]),
        "fit_seconds": fitted - began,
        "score_seconds": scored - fitted,
        "memory_mib": peak() - empty,
    }


def installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sets", default="", help="names of archives, separated by commas [default: all]")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--detectors", default="", help="as `pyod VAE,unlike EGBAD` [default: all]")
    parser.add_argument("--limit", type=float, default=600, help="seconds that a run may take")
    parser.add_argument("--json", type=Path, help="also write every run to this file")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.one:
        at, seed = map(int, told.one.split(","))
        print(json.dumps(measure(at, told.folder, seed)))
        return
    names = told.sets.split(",") if told.sets else sorted(path.stem for path in told.folder.glob("*.npz"))
    seeds = [int(seed) for seed in told.seeds.split(",")]
    wanted = [name.strip() for name in told.detectors.split(",") if name.strip()]
    runs: list[dict[str, Any]] = []
    for at, (name, package, *_) in enumerate(DETECTORS):
        if wanted and f"{package} {name}" not in wanted:
            continue
        if not installed(package) or (package == "pyod" and name in TORCH and not installed("torch")):
            continue
        for each in names:
            for seed in seeds:
                words = [sys.executable, __file__, str(told.folder / f"{each}.npz"), "--one", f"{at},{seed}"]
                run = {"detector": name, "package": package, "set": each, "seed": seed}
                run |= outcome(words, told.limit)
                if "error" in run:
                    print(f"{package} {name} on {each}: {run['error']}", file=sys.stderr)
                runs.append(run)
    if told.json:
        told.json.write_text(json.dumps(runs, indent=1))
    print_table(runs, names)


def outcome(words: list[str], limit: float) -> dict[str, Any]:
    """What a process measured, or why it did not."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return {"error": f"more than {limit:g} seconds"}
    if done.returncode == 0:
        measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return measured
    return {"error": done.stderr.strip().splitlines()[-1]}


def print_table(runs: list[dict[str, Any]], names: list[str]) -> None:
    """A row for each detector: mean AUROC over seeds for each set and over sets; medians of the rest."""
    print(f"| detector | {' | '.join(names)} | mean | fit | score | memory |")
    print(f"| --- |{' ---: |' * (len(names) + 4)}")
    for key in dict.fromkeys((run["package"], run["detector"]) for run in runs):
        mine = [run for run in runs if (run["package"], run["detector"]) == key and "auroc" in run]
        if not mine:
            continue
        means = {}
        for name in names:
            values = [run["auroc"] for run in mine if run["set"] == name]
            if values:
                means[name] = statistics.mean(values)
        cells = [f"{means[name]:.3f}" if name in means else "–" for name in names]
        cells.append(f"{statistics.mean(means.values()):.3f}")
        cells.append(f"{statistics.median(run['fit_seconds'] for run in mine):.2f} s")
        cells.append(f"{statistics.median(run['score_seconds'] for run in mine):.3f} s")
        cells.append(f"{statistics.median(run['memory_mib'] for run in mine):.0f} MiB")
        print(f"| {key[0]} {key[1]} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
