"""Many trainings side by side, told apart without labels."""

from __future__ import annotations

import copy
import hashlib
import json
import numbers
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from . import _data, _unlike
from ._arguments import Int, plain
from ._base import Detector, load
from ._errors import Error, FileError, InputError, SettingError

COLUMNS = ("data", "detector", "seed", "seconds", "promised", "false_alarms", "tail", "error")


class Sweep:
    """The trainings of a sweep, one row each, and what tells them apart.

    Attributes
    ----------
    rows : list of dict
        Of each training ``data``, ``detector`` and ``seed``; the ``seconds`` that ``fit`` took; ``promised``, the share
        of new normals that may be flagged, and ``false_alarms``, the share of held-out normals that are; ``tail``, how
        far the highest hundredth of their scores lies above the median, in units of the distance of the quartiles; and
        ``error``, why it failed. What is not known is None.
    """

    def __init__(self, folder: Path, rows: list[dict[str, Any]], keys: dict[str, str]) -> None:
        self.rows = rows
        self._folder = folder
        # Of each row, by its name: what it was trained of.
        self._keys = keys

    def detector(self, data: str, detector: str, seed: Int) -> Detector:
        """The fitted detector of a row. It flags as its ``contamination`` says, and has no ``decision_scores_``.

        Raises
        ------
        FileError
            If its training failed, there was none, or another sweep has trained it again since, of something else.
        """
        name = _name(data, detector, seed)
        errors = {_name(row["data"], row["detector"], row["seed"]): row["error"] for row in self.rows}
        if name not in errors:
            raise FileError(f"there is no training `{name}`; expected one of {', '.join(errors)}")
        if errors[name] is not None:
            raise FileError(f"the training `{name}` failed: {errors[name]}")
        path = self._folder / f"{name}.json"
        kept = _kept(path)
        if kept.get("key") != self._keys[name]:
            raise FileError(
                f"`{path}` is not what this sweep left there; expected the training that it tells of",
                "run the sweep again, or give each sweep a folder of its own",
            )
        fitted = load(path.with_suffix(".safetensors"))
        # The model file holds neither.
        fitted.contamination, fitted.threshold_ = kept["contamination"], kept["threshold"]
        return fitted

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        cells = [list(COLUMNS), *([_shown(row[name]) for name in COLUMNS] for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*cells)]
        return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in cells)


def sweep(
    detectors: Mapping[str, Detector],
    data: Mapping[str, Any],
    folder: str | os.PathLike[str],
    *,
    seeds: Iterable[Int] = (0,),
    held_out: Mapping[str, Any] | None = None,
    promised: float = 0.05,
    processes: Int | None = None,
    on: str = "processes",
) -> Sweep:
    """Fits every detector to all data with every seed, each in a process of its own, and compares them without labels.

    Each model file and what is known of it are in the folder as soon as it is trained, as ``data.detector.seed``. A
    sweep that was ended goes on where it was; a training whose arguments, data or version of unlike changed is done
    again.

    Parameters
    ----------
    detectors : mapping of names to detectors
        Their arguments count; they themselves stay as they are.
    data : mapping of names to normal samples
        Anything that ``fit`` takes.
    folder : path
        Where results go.
    seeds : whole numbers
        In place of each detector's own; each once.
    held_out : mapping of the same names to other normal samples
        What trainings are compared on. Default: every fifth sample of arrays, which is then not trained on; and of
        files and frames those normals that calibrate, which say nothing of false alarms.
    promised : float
        A false-alarm rate, within (0, 1), to compare with the share of held-out normals that are flagged.
    processes : int
        How many at a time, which share the processor. Default: one per core.
    on : str
        ``"processes"`` of this machine, or the cluster that ``"ray"`` is connected to, one core each.

    Raises
    ------
    SettingError, InputError
        If an argument is not what it should be. Why a training failed is in its row instead.
    """
    cores = os.cpu_count() or 1
    processes = cores if processes is None else processes
    if on not in ("processes", "ray"):
        raise SettingError(f"`on` is {on!r}; expected `processes` or `ray`")
    if isinstance(processes, bool) or not isinstance(processes, numbers.Integral) or processes < 1:
        raise SettingError(f"`processes` is {processes!r}; expected a whole number from 1 up")
    if isinstance(promised, bool) or not isinstance(promised, numbers.Real) or not 0 < promised < 1:
        raise SettingError(f"`promised` is {promised!r}; expected a number between 0 and 1")
    _check_named("detectors", detectors, "unlike.KNN()")
    _check_named("data", data, "X")
    for named, detector in detectors.items():
        if not isinstance(detector, Detector):
            raise SettingError(f"`detectors` has {type(detector).__name__} as `{named}`; expected a detector")
    if held_out is not None:
        _check_named("held_out", held_out, "X")
        if set(held_out) != set(data):
            raise InputError(f"`held_out` is named {sorted(held_out)}; expected {sorted(data)}, as `data`")
    seeds = _seeds(seeds)
    _check_names([(of_data, of_detector) for of_data in data for of_detector in detectors])
    where = Path(folder)
    where.mkdir(parents=True, exist_ok=True)
    processes = int(processes)
    threads = max(1, cores // processes)
    jobs, rows, keys = [], [], {}
    for of_data, X in data.items():
        train, other = _parts(X, None if held_out is None else held_out[of_data])
        told = _digest(train), _digest(other)
        for of_detector, detector in detectors.items():
            for seed in seeds:
                one = copy.copy(detector).set_params(seed=seed, random_state=None, progress=False)
                row: dict[str, Any] = {"data": of_data, "detector": of_detector, "seed": seed}
                key = _key(one, told)
                rows.append(row)
                keys[_name(**row)] = key
                if _kept(where / f"{_name(**row)}.json").get("key") != key:
                    jobs.append((where, row, key, (one, train, other, threads)))
    run = _on_ray(jobs) if on == "ray" else _in_processes(jobs, processes)
    failed = {_name(**row): error for row, error in run if error is not None}
    full = []
    for row in rows:
        name = _name(**row)
        known = {"error": failed[name]} if name in failed else _measures(where / f"{name}.json", promised)
        full.append(dict.fromkeys(COLUMNS) | row | {"promised": promised} | known)
    return Sweep(where, full, keys)


def _check_named(argument: str, given: Any, example: str) -> None:
    if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
        found = "a mapping with other keys than texts" if isinstance(given, Mapping) else type(given).__name__
        raise InputError(f"`{argument}` is {found}; expected a mapping of names", f'{argument}={{"name": {example}}}')


def _seeds(seeds: Any) -> list[int]:
    """These as Python's own whole numbers, each once."""
    expected = "expected whole numbers from 0 to 2**63 - 1, each once"
    try:
        given = list(seeds)
    except TypeError as error:
        raise SettingError(f"`seeds` is {seeds!r}; {expected}", f"seeds=[{seeds!r}]") from error
    for seed in given:
        if isinstance(seed, bool) or not isinstance(seed, numbers.Integral) or not 0 <= int(seed) < 2**63:
            raise SettingError(f"`seeds` has {seed!r}; {expected}")
    whole = [int(seed) for seed in given]
    if len(set(whole)) < len(whole):
        raise SettingError(f"`seeds` is {whole}; {expected}")
    return whole


def _key(detector: Detector, data: tuple[str, str]) -> str:
    """What a training is made of: all arguments, which texts for people leave out in part, data and version."""
    arguments = {name: _told(value) for name, value in detector.get_params(deep=False).items()}
    # A network's file counts by what is in it.
    arguments["features_file"] = _digest(detector.features)
    of = (type(detector).__module__, type(detector).__name__, arguments, _unlike.__version__, *data)
    return hashlib.sha256(json.dumps(of, sort_keys=True).encode()).hexdigest()


def _told(value: Any) -> Any:
    return os.fspath(value) if isinstance(value, os.PathLike) else plain(value)


def _measures(path: Path, promised: float) -> dict[str, Any]:
    """What tells a training apart that went well."""
    told: dict[str, Any] = {"seconds": _kept(path)["seconds"]}
    scores, p_values = np.load(path.with_suffix(".npy"))
    told["tail"] = _unlike.tail(scores)
    if not np.isnan(p_values).all():
        told["false_alarms"] = float(np.mean(p_values <= promised))
    return told


def _parts(X: Any, held_out: Any) -> tuple[Any, Any]:
    """What is trained on, and what is compared on."""
    if held_out is not None or not isinstance(X, np.ndarray):
        return X, held_out
    apart = np.arange(len(X)) % 5 == 4
    return X[~apart], X[apart]


def train(work: tuple[Detector, Any, Any, int]) -> tuple[bytes, dict[str, Any], Any]:
    """One training: the model file, what is known beside it, and the scores and p-values of held-out normals."""
    detector, X, held_out, threads = work
    _unlike.set_threads(threads)
    detector.score_training = detector.score_training and detector.contamination != "auto"
    since = time.perf_counter()
    detector.fit(X)
    share = detector.contamination
    known = {
        "seconds": time.perf_counter() - since,
        "contamination": share if isinstance(share, str) else float(share),
        "threshold": float(detector.threshold_),
    }
    if held_out is None:
        scores = detector.model_.calibration_scores()
        return detector.to_bytes(), known, np.stack([scores, np.full(len(scores), np.nan)])
    return detector.to_bytes(), known, np.stack(detector._placed(held_out))


_Job = tuple[Path, dict[str, Any], str, tuple[Detector, Any, Any, int]]
_Ended = Iterator[tuple[dict[str, Any], "str | None"]]


def _in_processes(jobs: list[_Job], processes: int) -> _Ended:
    def run(job: _Job) -> tuple[dict[str, Any], str | None]:
        # A process that is killed takes nothing with it but its own training.
        command = [sys.executable, "-c", "from unlike._sweep import main; main()"]
        done = subprocess.run(command, input=pickle.dumps(job[3]), capture_output=True)
        if done.returncode != 0:
            told = done.stderr.decode(errors="replace").strip()
            return job[1], told or f"the process ended with {done.returncode}"
        return _keep(job, lambda: pickle.loads(done.stdout))

    with ThreadPoolExecutor(processes) as pool:
        yield from pool.map(run, jobs)


def _on_ray(jobs: list[_Job]) -> _Ended:
    # It says how to install what is missing.
    from . import ray as _  # noqa: F401

    import ray

    sent = [ray.remote(train).options(num_cpus=job[3][3]).remote(job[3]) for job in jobs]
    for job, result in zip(jobs, sent):
        yield _keep(job, lambda result=result: ray.get(result))  # type: ignore[misc]


def _keep(job: _Job, result: Callable[[], Any]) -> tuple[dict[str, Any], str | None]:
    folder, row, key, _ = job
    try:
        ended = result()
    except Exception as error:
        ended = getattr(error, "cause", None) or error
    if isinstance(ended, Exception):
        return row, str(ended)
    model, known, found = ended
    path = folder / f"{_name(**row)}.json"
    path.unlink(missing_ok=True)
    path.with_suffix(".safetensors").write_bytes(model)
    np.save(path.with_suffix(".npy"), found)
    # Last, and at once: what it tells of is there.
    path.with_suffix(".part").write_text(json.dumps({**row, **known, "key": key}))
    path.with_suffix(".part").replace(path)
    return row, None


def _kept(path: Path) -> dict[str, Any]:
    try:
        kept: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return kept


def _name(data: str, detector: str, seed: Int) -> str:
    # No name holds a dot, so no two trainings share a file.
    return f"{data}.{detector}.{seed}"


def _check_names(pairs: list[tuple[str, str]]) -> None:
    """Refuses what cannot name files, or would name the same ones where files do not tell A from a."""
    seen: dict[str, str] = {}
    for data, detector in pairs:
        name = f"{data}.{detector}"
        if not all(part.replace("-", "").replace("_", "").isalnum() for part in (data, detector)):
            raise SettingError(f"`{name}` is to name files; expected names of letters, digits, - and _")
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            raise SettingError(
                f"`{other}` and `{name}` are to name files; expected names that differ in more than case"
            )


def _digest(value: Any) -> str:
    """Of what is in memory, all of it; of files, where they are, how large, and since when."""
    named = map(Path, _data.paths_of(value.x if isinstance(value, _data.Data) else value) or [])
    files = [str(file) for path in named for file in (sorted(path.rglob("*")) if path.is_dir() else [path])]
    stats = [os.stat(file) for file in files if os.path.exists(file)]
    stamps = [(stat.st_size, stat.st_mtime_ns) for stat in stats]
    return hashlib.sha256(pickle.dumps((value, files, stamps))).hexdigest()


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else str(value).splitlines()[0]


def main() -> None:
    """Does the one training that comes in, in a process of its own."""
    # What libraries print is not the result.
    to, sys.stdout = sys.stdout.buffer, sys.stderr
    ended: Any
    try:
        ended = train(pickle.load(sys.stdin.buffer))
    except Error as error:
        ended = error
    to.write(pickle.dumps(ended))
