"""From what users have to samples that the library takes."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from . import _unlike
from ._arguments import plain
from ._errors import InputError, SettingError, note

# Rows of an array are scored so many bytes at a time: what the library makes of them takes several times as
# much, and a score does not depend on its batch.
PIECE = 16 << 20

_Names = str | Sequence[str]


class Data:
    """Data, and how they are read where that differs from what they suggest.

    Every method that takes ``X`` takes this in its place. What a model was told when it was fitted holds
    when it scores.

    Parameters
    ----------
    x : path, list of paths of images, array or frame
        What is read. A path is that of anything that the command line reads: a file of rows, a folder of
        images, MNIST or CIFAR-10.
    columns : names
        Of an array: what its columns are called. Default: ``"1"``, ``"2"``, …, as in files of arrays.
    drop_columns : names
        Columns to leave out.
    category_columns : names
        Columns of numbers that are categories all the same.
    missing : texts
        Of files: the cells that stand for a missing value. Of arrays: ``"NaN"``, which is refused otherwise.
        In frames, missing values are missing.
    dates : names of parts
        What becomes of columns of dates, of files and of frames: some of ``"hour"``, ``"weekday"``, ``"month"`` and
        ``"elapsed"``, or ``"none"``. Default: the first three. A date counts as its own clock shows it.
    bad_rows
        Of files: what becomes of rows that cannot be read. ``"fail"`` is the default; ``"skip"`` leaves them out, and
        a note counts them; with ``"flag"``, they have their place among the scores, as NaN, and are anomalous.
    max_training_rows : int
        Of files: how many rows ``fit`` takes at most, drawn at random where there are more. Default: 2,000,000.
    format, label_column, normal_label, anomalous_label, id_column, delimiter, comment, encoding, decimal, header, \
max_unpacked, max_columns
        Of files of rows: as the options of ``unlike train`` and ``unlike score`` of these names.
    image_size, channels, fit, skip_unreadable, ignore_masks, image_memory
        Of images: likewise. ``image_size`` is a number of pixels, or width and height.
    """

    def __init__(
        self,
        x: Any,
        *,
        columns: Sequence[str] | None = None,
        drop_columns: _Names = (),
        category_columns: _Names = (),
        missing: _Names | None = None,
        format: str | None = None,
        label_column: str | None = None,
        normal_label: _Names = (),
        anomalous_label: _Names = (),
        id_column: str | None = None,
        delimiter: str | None = None,
        comment: str | None = None,
        bad_rows: Literal["fail", "flag", "skip"] | None = None,
        encoding: str | None = None,
        dates: _Names | None = None,
        decimal: Literal["point", "comma"] | None = None,
        header: bool | None = None,
        max_unpacked: int | None = None,
        max_columns: int | None = None,
        max_training_rows: int | None = None,
        image_size: int | tuple[int, int] | None = None,
        channels: Literal["grey", "colour"] | None = None,
        fit: Literal["keep", "stretch", "crop", "letterbox", "pad"] | None = None,
        skip_unreadable: bool = False,
        ignore_masks: bool = False,
        image_memory: int | None = None,
    ) -> None:
        self.x = x
        self.columns = None if columns is None else _texts("columns", columns)
        self.drop_columns = _texts("drop_columns", drop_columns)
        self.category_columns = _texts("category_columns", category_columns)
        self.missing = None if missing is None else _texts("missing", missing)
        width, height = _width_and_height(image_size)
        of_files: dict[str, Any] = {
            "format": format,
            "label_column": label_column,
            "normal_label": _texts("normal_label", normal_label),
            "anomalous_label": _texts("anomalous_label", anomalous_label),
            "id_column": id_column,
            "delimiter": _character(delimiter),
            "comment": comment,
            "bad_rows": bad_rows,
            "encoding": encoding,
            "decimal": decimal,
            "header": header,
            "max_unpacked": max_unpacked,
            "max_columns": max_columns,
            "max_training_rows": max_training_rows,
            "image_size": None if image_size is None else [height, width],
            "channels": channels,
            "fit": fit,
            # Not asked for, these say nothing; `header=False` does.
            "skip_unreadable": skip_unreadable or None,
            "ignore_masks": ignore_masks or None,
            "image_memory": image_memory,
        }
        said = {name: None if isinstance(value, list) and not value else value for name, value in of_files.items()}
        self._of_files = {name: value for name, value in said.items() if value is not None}
        if paths_of(x) is None and self._of_files:
            raise SettingError(
                f"`{next(iter(self._of_files))}` is given with samples in memory; expected a path with it"
            )
        named = paths_of(x) is not None or _is_pandas(x) or hasattr(x, "__arrow_c_stream__")
        if named and columns is not None:
            raise SettingError("`columns` is given with data that name theirs; expected an array with it")
        self.dates = None if dates is None else [part for part in _texts("dates", dates) if part != "none"]
        if self.dates is not None and not named:
            raise SettingError("`dates` is given with an array; expected a path or a frame with it")

    def __repr__(self) -> str:
        return f"Data({self.x!r})" if paths_of(self.x) is not None else f"Data({type(self.x).__name__})"

    def options(self) -> str:
        """How files are read, for the library."""
        options: dict[str, Any] = {
            **self._of_files,
            "drop_columns": self.drop_columns,
            "category_columns": self.category_columns,
        }
        if self.missing is not None:
            options["missing"] = self.missing
        if self.dates is not None:
            options["dates"] = self.dates
        return json.dumps(plain(options))


def _texts(argument: str, names: _Names | None) -> list[str]:
    if names is None or isinstance(names, str):
        return [] if names is None else [names]
    if not isinstance(names, Iterable):
        raise SettingError(f"`{argument}` is {names!r}; expected a text, or several", f'{argument}="{names}"')
    return [str(name) for name in names]


def _width_and_height(size: Any) -> tuple[Any, Any]:
    if not isinstance(size, (tuple, list)):
        return size, size
    if len(size) != 2:
        raise SettingError(f"`image_size` is {size!r}; expected a number of pixels, or width and height")
    return size[0], size[1]


def _character(text: str | None) -> str | None:
    return {"tab": "\t", "\\t": "\t", "space": " "}.get(text, text) if text is not None else None


def paths_of(x: Any) -> list[str] | None:
    """The paths that these are, if they are."""
    if isinstance(x, (str, os.PathLike)):
        return [os.fspath(x)]
    if isinstance(x, (list, tuple)) and x and all(isinstance(p, (str, os.PathLike)) for p in x):
        return [os.fspath(path) for path in x]
    return None


def to_train(
    x: Any,
    model: str,
    settings: Mapping[str, Any],
    features: tuple[str | None, str | None, list[str] | None, int | None, int | None] | None,
) -> _unlike.Samples:
    """The normals of these, to train a model of these settings on."""
    data = x if isinstance(x, Data) else Data(x)
    paths = paths_of(data.x)
    if paths is not None:
        return _unlike.read_for_training(paths, data.options(), model, json.dumps(settings), features)
    return next(_in_memory(data, None, None))


def to_score(x: Any, model: _unlike.Model) -> Iterator[_unlike.Samples]:
    """These as the model knows them, in pieces if they are many; what is worth knowing of them is told at the end."""
    notes = dict[str, None]()
    for piece in _pieces(x if isinstance(x, Data) else Data(x), model):
        # Each once, however many pieces tell it.
        notes.update(dict.fromkeys(piece.notes))
        yield piece
    note(notes)


def _pieces(data: Data, model: _unlike.Model) -> Iterator[_unlike.Samples]:
    paths = paths_of(data.x)
    if paths is None:
        yield from _in_memory(data, model, PIECE)
    elif model.reads_rows:
        chunks = model.chunks(paths, data.options())
        while (piece := chunks.next()) is not None:
            yield piece
        note(chunks.finish())
    else:
        yield model.read(paths, data.options(), labels=False)


def count(x: Any) -> int | None:
    """How many samples these are, where that is known before they are read."""
    data = x.x if isinstance(x, Data) else x
    return len(data) if isinstance(data, np.ndarray) else None


def to_evaluate(x: Any, model: _unlike.Model, labelled: bool) -> _unlike.Samples:
    """These as the model knows them, all at once; with the labels of files unless there are others."""
    data = x if isinstance(x, Data) else Data(x)
    paths = paths_of(data.x)
    if paths is not None:
        return model.read(paths, data.options(), labels=not labelled)
    return next(_in_memory(data, model, None))


def _in_memory(data: Data, model: _unlike.Model | None, piece: int | None) -> Iterator[_unlike.Samples]:
    x = data.x
    categories, dropped = data.category_columns, data.drop_columns
    if _is_pandas(x):
        frame = x.to_frame() if x.ndim == 1 else x
        columns = [(str(name), _cells(frame.iloc[:, at])) for at, name in enumerate(frame.columns)]
        ids = _ids(frame.index)
        yield _unlike.Samples.from_columns(columns, ids, categories, dropped, data.dates, model)
    elif hasattr(x, "__arrow_c_stream__"):
        stream = _typed(x).__arrow_c_stream__()
        yield _unlike.Samples.from_arrow(stream, categories, dropped, data.dates, model)
    else:
        array = to_array(x)
        rows = len(array)
        if piece is not None:
            rows = max(1, piece // max(1, array[:1].nbytes))
        for first in range(0, max(len(array), 1), max(rows, 1)):
            part = array[first : first + rows]
            if array.ndim > 2:
                yield _unlike.Samples.from_images(part, first)
            else:
                nan = any(text.lower() == "nan" for text in data.missing or [])
                yield _unlike.Samples.from_array(
                    part, data.columns, categories, dropped, nan, model, first
                )


def to_array(x: Any) -> npt.NDArray[Any]:
    """Rows of 32- or 64-bit floats, or images of bytes; without a copy where they are that already."""
    if hasattr(x, "toarray"):
        raise InputError(
            f"X is a sparse matrix ({type(x).__name__}); expected a dense array",
            "sparse input is not supported; make it dense with X.toarray()",
        )
    try:
        array = np.asarray(x)
    except (TypeError, ValueError) as error:
        raise InputError(f"X is no array ({error}); expected rows of numbers, or images") from error
    if array.ndim in (3, 4):
        if array.dtype != np.uint8:
            raise InputError(
                f"X holds images of type {array.dtype}; expected bytes, uint8",
                "images whose values lie between 0 and 1 become bytes with (255 * X).round().astype(numpy.uint8)",
            )
        return array
    if array.ndim != 2:
        hint = "make it a table of one column with X.reshape(-1, 1)" if array.ndim == 1 else None
        raise InputError(
            f"X has {array.ndim} dimension{'' if array.ndim == 1 else 's'}; expected 2, [rows, columns], "
            "or images, [images, height, width, channels]",
            hint,
        )
    if array.dtype.kind == "c":
        raise InputError(f"X holds complex data, {array.dtype}; expected real numbers")
    if array.dtype.kind in "OUS":
        try:
            return array.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"X holds what is no number ({error}); expected numbers",
                "texts and categories are read of frames: pandas.DataFrame(X), with a type for each column",
            ) from error
    if array.dtype.kind not in "fiub":
        raise InputError(f"X is of type {array.dtype}; expected numbers")
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float32 if array.dtype == np.float16 else np.float64)
    return _readable(array)


def _readable(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """In the machine's own order of bytes, each number at a place where it can be read at once."""
    return np.require(array, array.dtype.newbyteorder("="), ["ALIGNED"])


def _is_pandas(x: Any) -> bool:
    return type(x).__module__.split(".")[0] == "pandas" and hasattr(x, "iloc")


def _typed(x: Any) -> Any:
    """With texts in place of columns without a type, none of which has a value: what polars hands over of them is not
    what Arrow asks for."""
    if type(x).__module__.split(".")[0] != "polars" or not hasattr(x, "schema"):
        return x
    import polars

    empty = [name for name, dtype in x.schema.items() if dtype == polars.Null]
    return x.with_columns(polars.col(empty).cast(polars.String)) if empty else x


def _ids(index: Any) -> list[str] | None:
    """What the rows of a frame are called, if they are not only counted."""
    counted = type(index).__name__ == "RangeIndex" and index.start == 0 and index.step == 1
    return None if counted else [str(name) for name in index]


def _cells(series: Any) -> Any:
    """A column of a frame, as `Samples.from_columns` takes it."""
    dtype = series.dtype
    if hasattr(series, "cat"):
        texts = [str(level) for level in series.cat.categories]
        return series.cat.codes.to_numpy().astype(np.int64), texts
    kind = getattr(dtype, "kind", "O")
    missing = series.isna().to_numpy()
    if kind in "iuf" and not isinstance(dtype, np.dtype):
        return series.to_numpy(dtype=np.float64, na_value=np.nan)
    if isinstance(dtype, np.dtype) and kind in "iufb":
        values = series.to_numpy()
        values = values.astype(np.float32) if values.dtype == np.float16 else values
        return _readable(values)
    if kind == "M":
        return _moments(series)
    if kind == "m":
        raise InputError(
            f"X: column `{series.name}` holds durations ({dtype}); expected numbers, texts, categories, booleans or "
            "dates",
            f'make numbers of them: X["{series.name}"].dt.total_seconds(), or leave the column out',
        )
    cells = [None if gone else cell for cell, gone in zip(series, missing)]
    present = [cell for cell in cells if cell is not None]
    if present and all(isinstance(cell, datetime.date) for cell in present):
        naive = [cell if cell is None else np.datetime64(_clock(cell), "us") for cell in cells]
        return np.array(naive, dtype="datetime64[us]").view(np.int64), _UNITS["us"]
    if present and all(isinstance(cell, (int, float, np.number)) for cell in present):
        if not all(isinstance(cell, (bool, np.bool_)) for cell in present):
            return np.array([np.nan if cell is None else float(cell) for cell in cells])
    if all(isinstance(cell, (str, bool, np.bool_)) for cell in present):
        return [None if cell is None else str(cell) for cell in cells]
    return cells


# Nanoseconds of what NumPy counts in.
_UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


def _moments(series: Any) -> tuple[npt.NDArray[np.int64], int]:
    """Dates as `Samples.from_columns` takes them, by the clock of their time zone."""
    if getattr(series.dt, "tz", None) is not None:
        series = series.dt.tz_localize(None)
    moments = series.to_numpy(dtype=None if isinstance(series.dtype, np.dtype) else "datetime64[ns]")
    unit, _ = np.datetime_data(moments.dtype)
    return _readable(moments).view(np.int64), _UNITS[unit]


def _clock(moment: datetime.date) -> datetime.date:
    """Without its time zone, which does not move it."""
    return moment.replace(tzinfo=None) if isinstance(moment, datetime.datetime) else moment
