"""What the engines of clusters share: how a model travels, and how a worker scores a batch with it."""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _base, _data, _unlike
from ._errors import InputError, MissingPackageError, SettingError

ADDED = ("score", "p_value", "anomalous")
"""The columns that scoring adds, as tables of scores call them."""

Model = _base.Detector | str | os.PathLike[str]


class Scorer:
    """A model on a worker.

    Parameters
    ----------
    model : bytes or path
        Of a model file.
    threshold : float
        Samples that score at least this are flagged.
    threads : int
        What the engine gives to one worker.
    image_column : str
        Where the images are, if the model is one of images.
    prefix : str
        What the names of the added columns begin with.
    """

    def __init__(
        self, model: bytes | str, threshold: float, threads: int, image_column: str, prefix: str
    ) -> None:
        _unlike.set_threads(threads)
        opened = _unlike.Model.from_bytes(model) if isinstance(model, bytes) else _unlike.Model.load(model)
        self._detector = _base._detector(opened)
        self._detector.threshold_ = threshold
        self._known = columns(opened)
        self._image_column = image_column
        self._names = [prefix + name for name in ADDED]

    def rows(self, batch: Any) -> Any:
        """A ``pyarrow.Table`` with the columns that scoring adds. Those that the model does not know are kept, and
        not looked at."""
        refuse_taken(self._names, batch.column_names)
        for name, values in self._scored(self._samples(batch)).items():
            batch = batch.append_column(name, [values])
        return batch

    def arrays(self, batch: dict[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
        """The same of named arrays, one of which holds images."""
        refuse_taken(self._names, list(batch))
        if self._image_column not in batch:
            raise _no_images(self._image_column, list(batch))
        return {**batch, **self._scored(_images(batch[self._image_column]))}

    def _samples(self, batch: Any) -> Any:
        if self._known is not None:
            return _local_times(batch.select([name for name in batch.column_names if name in self._known]))
        if self._image_column not in batch.column_names:
            raise _no_images(self._image_column, batch.column_names)
        return _images(np.array(batch.column(self._image_column).to_pylist(), dtype=object))

    def _scored(self, samples: Any) -> dict[str, npt.NDArray[Any]]:
        scores, p_values = self._detector._placed(samples)
        flags = self._detector._flags(scores).astype(bool)
        return dict(zip(self._names, (scores, p_values, flags)))


def opened(model: Model) -> _base.Detector:
    """The fitted detector that this is, or that the file at this path holds."""
    detector = model if isinstance(model, _base.Detector) else _base.load(model)
    detector._fitted()
    return detector


def columns(model: _unlike.Model) -> set[str] | None:
    """What a model reads of a table; nothing of a model of images."""
    read = json.loads(model.about())["input"]
    if read["kind"] != "table":
        return None
    remembered = json.loads(model.config())["preprocessing"].get("reading", {})
    return {column["name"] for column in read["columns"]} | set(remembered.get("dates", {}))


def refuse_taken(names: list[str], there: list[str]) -> None:
    """Refuses names of columns to add that are there already."""
    for name in names:
        if name in there:
            raise InputError(
                f"the data have a column `{name}` already; expected none of {', '.join(names)}",
                'call the new ones otherwise, as with `prefix="unlike_"`',
            )


def whole(name: str, value: float, least: float) -> None:
    """Refuses a number of workers, processors or rows that is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < least:
        raise SettingError(f"`{name}` is {value!r}; expected a number from {least} up")


def missing(module: str, package: str) -> MissingPackageError:
    """What is wrong where an engine is not installed."""
    return MissingPackageError(
        f"`unlike.{module}` needs the package `{package}`, which is not installed",
        f'pip install "unlike[{module}]"',
    )


def _local_times(table: Any) -> Any:
    """With moments as their own time zone writes them, which is how files of dates are read."""
    for at, field in enumerate(table.schema):
        if getattr(field.type, "tz", None) is not None:
            import pyarrow.compute

            local = pyarrow.compute.local_timestamp(table.column(at))
            table = table.set_column(at, field.name, local)
    return table


def _images(cells: npt.NDArray[Any]) -> Any:
    """Images as detectors take them: an array of bytes, or the paths of files."""
    if cells.dtype != object and cells.dtype.kind != "U":
        return cells
    texts = [str(cell) for cell in cells if isinstance(cell, (str, os.PathLike))]
    if len(texts) < len(cells):
        raise InputError(
            "the images are of several sizes, or no arrays; expected arrays of one size, or paths",
            "give the paths: files are read, and made of one size, as in training",
        )
    return _data.Data(texts)


def _no_images(name: str, there: list[str]) -> InputError:
    return InputError(
        f"the data have no column `{name}`, but {', '.join(there)}; expected a column of images or their paths",
        "`image_column` says which it is",
    )
