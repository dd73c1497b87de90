"""What detectors say beside numbers: explanations and reports."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Iterator
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
    """Of each sample the columns that contributed most, largest first: at most five, and none that do as usual unless
    all do."""

    def __len__(self) -> int:
        return len(self.reasons)

    def __getitem__(self, sample: int) -> list[Reason]:
        return self.reasons[sample]

    def __iter__(self) -> Iterator[list[Reason]]:
        return iter(self.reasons)


def explanations(model: _unlike.Model, samples: list[_unlike.Samples]) -> Explanations:
    """Of all these samples, in pieces."""
    columns: list[str] = []
    contributions = []
    reasons: list[list[Reason]] = []
    for piece in samples:
        columns, values = model.contributions(piece)
        contributions.append(values)
        for of_sample in json.loads(model.reasons(piece)):
            reasons.append([Reason(**reason) for reason in of_sample])
    return Explanations(columns, np.concatenate(contributions), reasons)


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
