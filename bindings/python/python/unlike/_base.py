"""What all detectors do. The library does the work; here it gets Python's names."""

from __future__ import annotations

import html
import json
import numbers
import os
from collections.abc import Callable
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from . import _data, _labels, _progress, _results, _unlike
from ._arguments import Arguments, Int, detector_arguments, is_number
from ._errors import InputError, NotFittedError, SettingError, note
from ._pyod import Floats, LikePyOD
from ._results import Explanations, Report, Scores

_Self = TypeVar("_Self", bound="Detector")


class Detector(Arguments, LikePyOD):
    """Learned what normal looks like; says how far each sample departs from it.

    ``X`` is an array of rows or of images, a frame, a path, a list of paths of images, or a :class:`Data`
    that says how these are read.

    Attributes
    ----------
    decision_scores_ : array of float64
        The scores of the samples given to ``fit``. Those that trained score lower than new normals do.
    labels_ : array of int
        1 for those of them that are flagged, 0 for the others.
    threshold_ : float
        Samples that score at least this are flagged. It may be set.
    score_names_ : list of str
        The scores on offer, the recommended one first.
    n_features_in_ : int
        Columns of a table; numbers of an image.
    """

    model_: _unlike.Model
    threshold_: float
    decision_scores_: Floats
    labels_: npt.NDArray[np.int64]
    n_features_in_: int

    # -- learning

    def fit(self: _Self, X: Any, y: object = None) -> _Self:
        """Learns what is normal, and calibrates.

        Parameters
        ----------
        X
            Normal samples. Of files with labels, those that are labelled normal. A part of them is held out
            to choose the epoch and to calibrate (``hold_out``).
        y
            Ignored: labels play no part in learning.

        Returns
        -------
        Detector
            Itself.

        Raises
        ------
        InputError
            If the samples are not what they should be, or too few.
        SettingError
            If an argument is outside its range.
        TrainingError
            If training runs away.
        KeyboardInterrupt
            On Ctrl-C. Once a training is under way, the model of the best epoch so far is calibrated and kept
            first, and the detector is fitted; ``decision_scores_`` and ``labels_`` are not there then. A second
            Ctrl-C waits for nothing.
        """
        self._fit(X)
        return self

    def _fit(self, X: Any) -> None:
        self._check_arguments()
        settings, features = self._settings(), self._features()
        samples = _data.to_train(X, self._model_name, settings, features)
        note(samples.notes)
        bar = _progress.Bar(self._model_name) if self._shows_bar() else None
        try:
            model, told, interrupted = _unlike.fit(
                self._model_name,
                json.dumps(settings),
                features,
                samples,
                self.device,
                self.score_name,
                self._on_epoch(),
                None if bar is None else bar.show,
            )
        finally:
            if bar is not None:
                bar.close()
        for name in ("decision_scores_", "labels_"):
            self.__dict__.pop(name, None)
        self._adopt(model)
        note([*told, *model.notes()])
        if interrupted:
            raise KeyboardInterrupt(f"the {self._model_name} of the best epoch so far is kept")
        if self.score_training:
            self.decision_scores_ = model.evaluate(samples)[0]
            if self.contamination != "auto":
                self.threshold_ = float(np.quantile(self.decision_scores_, 1 - self.contamination))
            self.labels_ = self._flags(self.decision_scores_)

    def calibrate(self: _Self, X: Any) -> _Self:
        """Takes other held-out normals for p-values; the model itself stays.

        They must not have been trained on, and a note says so if they seem to have been. ``threshold_`` is that
        of ``contamination="auto"`` afterwards.

        Raises
        ------
        InputError
            If the samples do not fit the model, or there are none.
        """
        given, model = self._given(X), self._fitted()
        samples = _data.to_evaluate(given, model, labelled=True)
        calibrated, seen = model.recalibrate(samples)
        self._adopt(calibrated)
        told = [] if seen is None else [f"{seen}: p-values of new normals come out too small"]
        note([*samples.notes, *told])
        return self

    # -- scoring

    def decision_function(self, X: Any) -> Floats:
        """One finite raw score per sample, higher = more anomalous. It depends on the model and that sample
        alone. Files may be larger than memory. With ``Data(path, bad_rows="flag")``, rows that cannot be read have the
        score NaN, and :meth:`predict` and :meth:`select` flag them."""
        return self._evaluate(X)

    def p_values(self, X: Any) -> Floats:
        """The share of normals that score at least as high as each sample, itself counted in, in (0, 1].

        Of new normals, at most a share a has a p-value of at most a, on average over calibrations.
        """
        return self._placed(X)[1]

    def q_values(self, X: Any) -> Floats:
        """The smallest false-discovery rate at which each sample is flagged in this batch, in (0, 1]."""
        q_values: Floats = self._batch(X, "places").decide("threshold", self._threshold())["q_values"]
        return q_values

    def select(
        self,
        X: Any,
        *,
        fdr: float | None = None,
        false_alarms: float | None = None,
        budget: Int | None = None,
    ) -> npt.NDArray[np.bool_]:
        """Which samples to act on.

        Parameters
        ----------
        fdr
            At most this share of the selected is normal, on average, within (0, 1).
        false_alarms
            At most this share of normals is selected, on average, within (0, 1).
        budget
            The samples with the highest scores, at most so many.

        Raises
        ------
        SettingError
            If not exactly one of these is given, or it is out of range.
        InputError
            If the calibration is too small for the rate.
        """
        asked = _asked(fdr=fdr, false_alarms=false_alarms, budget=budget)
        if asked is None:
            raise SettingError("0 of `fdr`, `false_alarms` and `budget` are given; expected one")
        decided = self._batch(X, "places").decide(*asked)
        note([] if decided["note"] is None else [decided["note"]])
        selected: npt.NDArray[np.bool_] = decided["anomalous"]
        return selected

    def score_table(
        self,
        X: Any,
        *,
        fdr: float | None = None,
        false_alarms: float | None = None,
        budget: Int | None = None,
    ) -> Scores:
        """All that is known of each sample, as the command line writes it: a table, for whoever reads Arrow.

        Parameters
        ----------
        fdr, false_alarms, budget
            What the column ``anomalous`` goes by; see :meth:`select`. Default: ``threshold_``.

        Raises
        ------
        SettingError, InputError
            As :meth:`select`, but for none of them.
        """
        asked = _asked(fdr=fdr, false_alarms=false_alarms, budget=budget)
        by, value = asked or ("threshold", self._threshold())
        return Scores(self._batch(X, "rows").table(by, value))

    def score_parts(self, X: Any) -> dict[str, npt.NDArray[np.float32]]:
        """The named parts that scores are made of, one value per sample."""
        return dict(self._batch(X, "rows").parts())

    # -- explaining

    def explain(self, X: Any) -> Explanations:
        """Which columns made each sample strange.

        Raises
        ------
        InputError
            If the model explains images by maps: see :meth:`anomaly_map`.
        """
        given, model = self._given(X), self._fitted()
        return _results.explanations(model, _data.to_score(given, model))

    def anomaly_map(self, X: Any) -> npt.NDArray[np.float32]:
        """Where each image is anomalous, ``[images, height, width]``, non-negative, higher = more anomalous.

        Raises
        ------
        InputError
            If the model explains samples by columns: see :meth:`explain`.
        """
        given, model = self._given(X), self._fitted()
        return np.concatenate([model.maps(piece) for piece in _data.to_score(given, model)])

    def reconstruct(self, X: Any) -> npt.NDArray[np.float32]:
        """What the model makes of each image, the nearest that it can generate:
        ``[images, height, width, channels]``, within [-1, 1].

        Raises
        ------
        InputError
            Of tables, and of models that generate nothing of this kind.
        """
        made = self._made(X, "reconstructions")
        if made is None:
            raise InputError(f"{type(self).__name__} reconstructs none of these; expected a generator of images")
        return made

    def embed(self, X: Any) -> npt.NDArray[np.float32]:
        """The few numbers by which the model knows each sample, ``[samples, numbers]``: what its encoder, or its
        search, makes of it, or how far it lies along principal components. Of several networks side by side, the
        first's. Rows of files that could not be read have NaN.

        Raises
        ------
        InputError
            Of models that know samples by nothing of the kind, and of images that are seen place by place.
        """
        made = self._made(X, "embeddings")
        if made is None:
            raise InputError(
                f"{type(self).__name__} embeds none of these; expected an encoder or components, which see whole samples"
            )
        return made

    def report(self, X: Any = None, y: Any = None) -> Report:
        """What is known of the training; with samples, how well the detector does on them.

        Parameters
        ----------
        X
            Labelled samples, which training has not seen.
        y
            One label per sample: 1 or True is anomalous, 0 or False normal. Left out where files hold the labels. With
            ``Data(path, bad_rows="flag")``, those of rows that cannot be read are among them, and do not count.

        Raises
        ------
        InputError
            If there is not one label per sample, one is missing or is neither of these, or samples do not fit the
            model.
        """
        model = self._fitted()
        if X is None and y is not None:
            raise InputError("`y` is given without `X`; expected the samples that these are the labels of")
        if X is None:
            return Report(model.report(None, None, 0.0)[0])
        told = None if y is None else _labels.anomalous(y)
        samples = _data.to_evaluate(self._given(X), model, labelled=told is not None)
        labels = None
        if told is not None:
            labels = self._of_readable(told, samples)
            note(samples.notes)
        if labels is None and samples.labels() is None:
            raise InputError("`y` is missing, and X holds no labels; expected one of them")
        report, notes = model.report(samples, labels, self._threshold())
        note(notes)
        return Report(report)

    # -- keeping

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the model file, as a whole or not at all: all that scoring needs, also on the command line.

        ``threshold_`` is no part of it.
        """
        self._fitted().save(path)

    def to_bytes(self) -> bytes:
        """What :meth:`save` writes."""
        return self._fitted().to_bytes()

    @property
    def score_names_(self) -> list[str]:
        """The scores on offer, the recommended one first."""
        names: list[str] = json.loads(self._fitted().about())["scores"]
        return names

    def _repr_html_(self) -> str:
        rows = {"detector": repr(self)}
        model = self.__dict__.get("model_")
        if model is not None:
            about = json.loads(model.about())
            rows |= {
                "score": f"{about['score']}, of {', '.join(about['scores'])}",
                "learned numbers": f"{about['parameters']:,}",
                "calibrated on": f"{about['n_calibration']:,} held-out normals",
                "smallest false-alarm rate": f"{about['smallest_false_alarm_rate']:.2g}",
                "flags scores from": f"{self._threshold():.6g}",
                "trained on": about["origin"],
            }
        cells = (f"<tr><th>{name}</th><td>{html.escape(text)}</td></tr>" for name, text in rows.items())
        return f"<table>{''.join(cells)}</table>"

    # -- within

    def _fitted(self) -> _unlike.Model:
        model: _unlike.Model | None = self.__dict__.get("model_")
        if model is None:
            raise NotFittedError(f"this {type(self).__name__} is not fitted yet", "call `fit` first")
        return model

    def _given(self, X: Any) -> Any:
        """These samples, which a fitted detector is given, if they may be what it knows."""
        return X

    def _adopt(self, model: _unlike.Model) -> None:
        self.model_ = model
        about = json.loads(model.about())["input"]
        if about["kind"] == "table":
            self.n_features_in_ = len(about["columns"])
        else:
            self.n_features_in_ = about["height"] * about["width"] * about["channels"]
        self.threshold_, told = model.usual_threshold()
        if self.contamination == "auto":
            note([] if told is None else [told])

    def _batch(self, X: Any, keep: str) -> _unlike.Batch:
        """What is found out about all samples: their ``scores``, ``places`` among held-out normals, too, or all that
        ``rows`` of a table tell. It needs no memory but its own, however many pieces they come in."""
        given, model = self._given(X), self._fitted()
        batch = model.batch(keep, _data.count(given) or 0)
        for piece in _data.to_score(given, model):
            batch.add(piece)
        note(batch.notes())
        return batch

    def _evaluate(self, X: Any) -> Floats:
        """The scores of all samples."""
        return self._batch(X, "scores").scores()

    def _of_readable(self, labels: npt.NDArray[np.bool_], samples: _unlike.Samples) -> list[bool]:
        """The labels of the samples that could be read, out of one for each that there is."""
        unreadable = samples.unreadable()
        expected = len(samples) + len(unreadable)
        if len(labels) != expected:
            raise InputError(f"`y` has {len(labels)} labels; expected {expected}, one per {samples.noun}")
        kept: list[bool] = np.delete(labels, unreadable).tolist()
        return kept

    def _made(self, X: Any, what: Literal["embeddings", "reconstructions"]) -> npt.NDArray[np.float32] | None:
        """What is made of all samples, if anything is."""
        given, model = self._given(X), self._fitted()
        make = model.embeddings if what == "embeddings" else model.reconstructions
        made = []
        for piece in _data.to_score(given, model):
            values = make(piece)
            if values is None:
                return None
            made.append(_results.with_gaps(values, piece.unreadable()))
        return np.concatenate(made)

    def _placed(self, X: Any) -> tuple[Floats, Floats]:
        """The scores of all samples, and their p-values."""
        batch = self._batch(X, "places")
        p_values = batch.p_values()
        return batch.scores(), p_values

    def _flags(self, scores: Floats) -> npt.NDArray[np.int64]:
        """1 for those that score at least ``threshold_``, or could not be read."""
        return 1 - (scores < self._threshold()).astype(np.int64)

    def _threshold(self) -> float:
        """``threshold_``, which may have been set."""
        threshold: object = self.threshold_
        if not is_number(threshold) or not np.isfinite(threshold):
            raise SettingError(f"`threshold_` is {threshold!r}; expected a finite number")
        return float(threshold)

    def _scores_of_training(self) -> Floats:
        self._fitted()
        scores: Floats | None = self.__dict__.get("decision_scores_")
        if scores is None:
            raise NotFittedError(
                "the scores of training samples are not known",
                "they are after `fit` with `score_training=True`; model files do not hold them",
            )
        return scores

    def _shows_bar(self) -> bool:
        return _progress.wanted(self.progress)

    def _on_epoch(self) -> Callable[[str], bool] | None:
        call = self.progress
        if call is None or isinstance(call, bool):
            return None
        return lambda report: bool(call(json.loads(report)))


def load(path: str | os.PathLike[str], *, device: str = "cpu") -> Detector:
    """The detector of a model file, or of the folder that ``unlike train`` made.

    Its arguments are the settings that it was trained with. ``decision_scores_`` and ``labels_`` are not in
    the file.

    Raises
    ------
    FileError, InputError
        If the file cannot be read, is damaged, or was written by a newer version.
    SettingError
        If there is no such device.
    """
    return _detector(_unlike.Model.load(path, device))


def _detector(model: _unlike.Model) -> Detector:
    from ._detectors import CLASSES

    name = json.loads(model.about())["model"]
    cls = next(cls for cls in CLASSES if cls._model_name == name)
    detector = cls(**detector_arguments(cls, model))
    detector._adopt(model)
    return detector


def _asked(**asked: object) -> tuple[str, float] | None:
    """By what to decide, if anything was said."""
    given = [(by, value) for by, value in asked.items() if value is not None]
    if len(given) > 1:
        raise SettingError(f"{len(given)} of `fdr`, `false_alarms` and `budget` are given; expected one")
    if not given:
        return None
    by, value = given[0]
    if by == "budget":
        if isinstance(value, bool) or not isinstance(value, numbers.Integral) or int(value) < 1:
            raise SettingError(f"`budget` is {value!r}; expected a whole number of samples from 1 up")
        # No samples are as many.
        return by, float(min(int(value), 2**53))
    if not is_number(value):
        raise SettingError(f"`{by}` is {value!r}; expected a rate between 0 and 1")
    return by, float(value)
