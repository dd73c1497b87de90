"""Scoring and training on a Ray cluster: ``pip install "unlike[ray]"``.

Ray distributes, retries and keeps order; each of its workers does what one process does, so scores are the same
bits.

>>> import ray, unlike, unlike.ray                                           # doctest: +SKIP
>>> flows = ray.data.read_parquet("s3://flows/2026-11/")                     # doctest: +SKIP
>>> unlike.ray.score(flows, "runs/egbad-flows").write_parquet("s3://scores") # doctest: +SKIP
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any, TypeVar

from . import _cluster
from ._base import Detector

try:
    import ray
    import ray.data
    from ray.exceptions import RayTaskError
except ImportError as error:
    raise _cluster.missing("ray", "ray[data]") from error

__all__ = ["fit_many", "score"]

_Detector = TypeVar("_Detector", bound=Detector)

# At a time: as many rows as the library takes at once, and of images what fits a worker's memory.
_ROWS, _IMAGES = 16_384, 256


def score(
    dataset: ray.data.Dataset,
    model: _cluster.Model,
    *,
    actors: int | tuple[int, int] | None = None,
    num_cpus: float = 1,
    batch_size: int | None = None,
    image_column: str = "image",
    prefix: str = "",
) -> ray.data.Dataset:
    """The dataset with the columns ``score``, ``p_value`` and ``anomalous``, in its order, when it is consumed.

    All columns are kept; those that the model does not know are not looked at. What is scored is never in memory
    as a whole. A worker that dies is started again, and what it was about to score is scored by another. To keep the
    order, Ray's option ``preserve_order`` is set for this dataset and those that it is made of.

    Parameters
    ----------
    dataset : ray.data.Dataset
        Rows; or images, as arrays of bytes of one size, or as paths that every worker can read.
    model : fitted detector, or path
        What scores. It travels to the workers once. Of a detector, samples that score at least its ``threshold_``
        are ``anomalous``.
    actors : int, or two of them
        Workers, or the least and the most. Default: from 1 up to what the cluster has room for.
    num_cpus : float
        Processors of a worker, which has as many threads; at least one thread.
    batch_size : int
        Samples that a worker takes at a time. Default: 16,384 rows or 256 images. Scores do not depend on it.
    image_column : str
        Where the images are, for a model of images.
    prefix : str
        What the names of the added columns begin with.

    Raises
    ------
    InputError
        If there is a column of such a name already; and when the dataset is consumed, within Ray's error, if samples
        do not fit the model.
    NotFittedError, FileError, SettingError
        If the detector is not fitted, the model cannot be read, or an argument is outside its range.
    """
    detector = _cluster.opened(model)
    _cluster.whole("num_cpus", num_cpus, 0)
    of_images = _cluster.columns(detector._fitted()) is None
    if batch_size is None:
        batch_size = _IMAGES if of_images else _ROWS
    _cluster.whole("batch_size", batch_size, 1)
    known = dataset.schema(fetch_if_missing=False)
    if known is not None:
        _cluster.refuse_taken([prefix + name for name in _cluster.ADDED], known.names)
    scored = dataset.map_batches(
        _Images if of_images else _Rows,
        fn_constructor_kwargs={
            "model": detector.to_bytes(),
            "threshold": detector.threshold_,
            "threads": max(1, int(num_cpus)),
            "image_column": image_column,
            "prefix": prefix,
        },
        batch_size=batch_size,
        batch_format="numpy" if of_images else "pyarrow",
        compute=_pool(actors),
        num_cpus=num_cpus,
    )
    scored.context.execution_options.preserve_order = True
    return scored


def fit_many(
    work: Iterable[tuple[_Detector, Any]], *, num_cpus: float = 1, max_retries: int = 3
) -> list[_Detector]:
    """Fits detectors at the same time, each in a process of its own, and gives copies of them, fitted, in order.

    Parameters
    ----------
    work : pairs of a detector and its samples
        Samples that several detectors are given travel once. Paths are read by the workers.
    num_cpus : float
        Processors of a training, which has as many threads; at least one thread.
    max_retries : int
        How often a training is begun again whose worker died.

    Raises
    ------
    InputError, SettingError, TrainingError, FileError
        As :meth:`unlike.Detector.fit`, of the first that fails.
    """
    _cluster.whole("num_cpus", num_cpus, 0)
    _cluster.whole("max_retries", max_retries, 0)
    fit = ray.remote(_fit).options(num_cpus=num_cpus, max_retries=max_retries)
    pairs = list(work)
    shared = {id(samples): samples for _, samples in pairs}
    sent = {key: ray.put(samples) for key, samples in shared.items()}
    threads = max(1, int(num_cpus))
    fits = [fit.remote(_silent(detector), sent[id(samples)], threads) for detector, samples in pairs]
    try:
        fitted: list[_Detector] = ray.get(fits)
    except RayTaskError as error:
        for each in fits:
            ray.cancel(each, force=True)
        raise (error.cause or error) from None
    for (detector, _), result in zip(pairs, fitted):
        result.progress = detector.progress
    return fitted


class _Rows:
    def __init__(self, **what: Any) -> None:
        self._scorer = _cluster.Scorer(**what)

    def __call__(self, batch: Any) -> Any:
        return self._scorer.rows(batch)


class _Images(_Rows):
    def __call__(self, batch: Any) -> Any:
        return self._scorer.arrays(batch)


def _pool(actors: int | tuple[int, int] | None) -> ray.data.ActorPoolStrategy:
    if actors is None:
        return ray.data.ActorPoolStrategy()
    least, most = actors if isinstance(actors, tuple) else (actors, actors)
    _cluster.whole("actors", least, 1)
    _cluster.whole("actors", most, least)
    return ray.data.ActorPoolStrategy(min_size=least, max_size=most)


def _silent(detector: _Detector) -> _Detector:
    """A copy that says nothing to a terminal that is not there, and calls nobody back."""
    alone = copy.copy(detector)
    alone.progress = False
    return alone


def _fit(detector: Detector, samples: Any, threads: int) -> Detector:
    from . import set_threads

    set_threads(threads)
    return detector.fit(samples)
