"""What detectors say beside numbers: explanations, tables of scores, and reports."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _unlike


@dataclass(frozen=True)
class Reason:
    """What one column contributed to a sample's score."""

    column: str
    """Its name."""
    contribution: float
    """In units of this column's mean over held-out normals: 1 is typical."""
    share: float
    """Of the sample's contributions, within [0, 1]."""
    found: str
    """The cell, as it stands in the data; empty where it is missing."""
    typical: str
    """What training normals usually have there."""
    usual: bool | None = None
    """Whether they usually have this value, too: then it is unusual only beside those of the other columns. None where
    that is not known."""


@dataclass(frozen=True)
class Explanations:
    """Which columns made samples strange. One list of reasons per sample, by its position."""

    columns: list[str]
    """The columns of a table, or the features that images are seen by as a whole."""
    contributions: npt.NDArray[np.float32]
    """``[samples, columns]``, non-negative, in units of the column's mean over held-out normals."""
    reasons: list[list[Reason]]
    """Of each sample the columns that contributed most, largest first: at most five, of those that contributed more
    than is typical of them, and without those that do as usual unless all of these do. None at all of samples that are
    as usual in every column, and of rows of files that could not be read."""

    def __len__(self) -> int:
        return len(self.reasons)

    def __getitem__(self, sample: int) -> list[Reason]:
        return self.reasons[sample]

    def __iter__(self) -> Iterator[list[Reason]]:
        return iter(self.reasons)


def with_gaps(values: npt.NDArray[np.float32], gaps: Sequence[int]) -> npt.NDArray[np.float32]:
    """Values of samples, the first axis, and NaN at these positions among all, where others stand."""
    if not gaps:
        return values
    filled = np.full((len(values) + len(gaps), *values.shape[1:]), np.nan, dtype=values.dtype)
    filled[np.delete(np.arange(len(filled)), gaps)] = values
    return filled


def explanations(model: _unlike.Model, samples: Iterable[_unlike.Samples]) -> Explanations:
    """Of all these samples, in pieces."""
    columns: list[str] = []
    contributions = []
    reasons: list[list[Reason]] = []
    for piece in samples:
        columns, values = model.contributions(piece)
        of_piece = [[Reason(**reason) for reason in each] for each in json.loads(model.reasons(piece))]
        unreadable = piece.unreadable()
        contributions.append(with_gaps(values, unreadable))
        gaps, known = set(unreadable), iter(of_piece)
        reasons += ([] if at in gaps else next(known) for at in range(len(of_piece) + len(gaps)))
    return Explanations(columns, np.concatenate(contributions), reasons)


class Scores:
    """What was found out about samples, one row each, as the command line writes it.

    Columns: ``id``; ``score``, ``p_value`` and ``q_value``; ``anomalous``; where labelled samples told the model,
    ``probability``, ``probability_low`` and ``probability_high``; the parts of the score; and where rows of files could
    not be read, ``reason``. Of these, the numbers are NaN in NumPy and null in Arrow.

    It is an Arrow table to whoever asks for one, without a copy: ``polars.DataFrame(scores)``,
    ``pyarrow.table(scores)``, DuckDB's ``FROM scores``.
    """

    def __init__(self, native: _unlike.Scores) -> None:
        self._native = native

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return self._native.names()

    def __len__(self) -> int:
        return len(self._native)

    def __getitem__(self, name: str) -> Any:
        """A column: an array of numbers or booleans, or a list of texts.

        Raises
        ------
        KeyError
            If there is none of this name.
        """
        column = self._native.column(name)
        if column is None:
            raise KeyError(name)
        return column

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._native.__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        return f"{len(self)} scores: {', '.join(self.columns)}"

    def _repr_html_(self) -> str:
        """The rows that stand out most, which is what one looks for."""
        first = np.argsort(-np.nan_to_num(self["score"], nan=np.inf), kind="stable")[:10]
        cells = {name: self[name] for name in self.columns}
        head = "".join(f"<th>{html.escape(name)}</th>" for name in cells)
        rows = ("".join(f"<td>{_cell(cells[name][at])}</td>" for name in cells) for at in first)
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        return f"<p>{len(self):,} scores; the highest:</p><table><tr>{head}</tr>{body}</table>"


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else html.escape(str(value))


class Report:
    """A training in words, numbers and charts, with an evaluation if there was one. Notebooks show it."""

    def __init__(self, native: _unlike.Report) -> None:
        self._native = native

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Report:
        """The report of a run folder, an ``evaluation.json`` or a model file.

        Raises
        ------
        FileError, InputError
            If there is none, or it cannot be read.
        """
        return cls(_unlike.load_report(path))

    @property
    def metrics(self) -> dict[str, Any] | None:
        """How well the score in use does on the labelled samples: ``auroc``, ``average_precision`` and others,
        each with its 95 % interval under the same name with ``_ci95``. ``None`` without an evaluation."""
        evaluation = json.loads(self.json()).get("evaluation")
        return None if evaluation is None else dict(evaluation["variants"][0]["metrics"])

    def html(self) -> str:
        """One page that needs nothing else."""
        return self._native.html()

    def markdown(self) -> str:
        """Text that code hosts show."""
        return self._native.markdown()

    def json(self) -> str:
        """The numbers themselves."""
        return self._native.json()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a file, as a whole or not at all; its name ends in ``.html``, ``.md`` or ``.json``.

        Raises
        ------
        SettingError
            If the name ends in none of these.
        FileError
            If it cannot be written.
        """
        self._native.save(path)

    def _repr_html_(self) -> str:
        page = html.escape(self.html(), quote=True)
        return f'<iframe srcdoc="{page}" style="width: 100%; height: 40em; border: 0"></iframe>'

    def __repr__(self) -> str:
        return self.markdown()
