"""What code that was written for PyOD's detectors asks of a detector, beside what all of them do."""

from __future__ import annotations

from typing import Any, Literal, TypeVar, overload

import numpy as np
import numpy.typing as npt

from . import _labels, _unlike
from ._arguments import is_number
from ._errors import InputError, NotOfferedError, SettingError

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
_Self = TypeVar("_Self", bound="LikePyOD")
_Told = TypeVar("_Told", Labels, Floats)

REJECTED = -2
"""The label of samples about which nothing is decided."""


class LikePyOD:
    """Methods that place new samples among those that trained: their ``decision_scores_``.

    Samples that trained score lower than new normals do, most of all with detectors that know them by heart. So new
    normals rank too high among them, and are flagged more often than a decision that stays the same would have it.
    :meth:`Detector.p_values` go by normals that were held out, and keep a promise.
    """

    threshold_: float
    labels_: Labels
    score_training: bool

    def fit(self: _Self, X: Any, y: object = None) -> _Self:
        raise NotImplementedError

    def _evaluate(self, X: Any) -> Floats:
        raise NotImplementedError

    def _placed(self, X: Any) -> tuple[Floats, Floats]:
        raise NotImplementedError

    def _flags(self, scores: Floats) -> Labels:
        raise NotImplementedError

    def _scores_of_training(self) -> Floats:
        raise NotImplementedError

    def _threshold(self) -> float:
        raise NotImplementedError

    def _check_scores_training(self) -> None:
        """Refuses, before a training that takes long, what needs the scores that it would not give."""
        if not self.score_training:
            raise SettingError("`score_training` is False; expected True, for the scores and labels of what is fitted")

    def _labels(self, scores: Floats) -> Labels:
        """What :meth:`predict` says of these scores."""
        return self._flags(scores)

    def fit_predict(self, X: Any, y: object = None) -> Labels:
        """Fits, and gives ``labels_``.

        Raises
        ------
        SettingError
            With ``score_training=False``.
        """
        self._check_scores_training()
        self.fit(X, y)
        return self.labels_

    def fit_predict_score(self, X: Any, y: Any, scoring: str = "roc_auc_score") -> float:
        """Fits, and says how well the scores of the same samples agree with their labels, which ``fit`` does not see.

        Parameters
        ----------
        y
            One label per sample: 1 or True is anomalous, 0 or False normal.
        scoring
            ``"roc_auc_score"``: the area under the ROC curve. ``"prc_n_score"``: the share of anomalies among as many
            samples with the highest scores as there are anomalies; of those that score like the last of them, too.

        Raises
        ------
        NotOfferedError
            Of other measures. :meth:`report` knows more, with intervals, and asks for samples that did not train.
        InputError
            If there is not one label per sample, one is missing or is neither of these, or all are of one kind.
        """
        if scoring not in ("roc_auc_score", "prc_n_score"):
            raise NotOfferedError(f"`scoring` is {scoring!r}; expected `roc_auc_score` or `prc_n_score`")
        # Before the training, which takes long.
        self._check_scores_training()
        anomalous = _labels.anomalous(y)
        self.fit(X)
        scores = self._scores_of_training()
        if len(anomalous) != len(scores) or not 0 < anomalous.sum() < len(anomalous):
            raise InputError(
                f"`y` has {anomalous.sum()} anomalous of {len(anomalous)} labels; "
                f"expected {len(scores)}, of both kinds"
            )
        if scoring == "roc_auc_score":
            return _unlike.auroc(scores, anomalous.tolist())
        highest = scores >= np.sort(scores)[-int(anomalous.sum())]
        return float(anomalous[highest].mean())

    @overload
    def predict(self, X: Any, return_confidence: Literal[False] = False) -> Labels: ...
    @overload
    def predict(self, X: Any, return_confidence: bool) -> Labels | tuple[Labels, Floats]: ...
    def predict(self, X: Any, return_confidence: bool = False) -> Labels | tuple[Labels, Floats]:
        """1 for samples that score at least ``threshold_``, 0 for the others. (Those of ``unlike.sklearn`` say -1 and
        1, as scikit-learn does.)

        With ``return_confidence``, also what :meth:`predict_confidence` says: a pair of arrays.
        """
        scores = self._evaluate(X)
        return self._with_confidence(self._labels(scores), scores, return_confidence)

    @overload
    def predict_proba(self, X: Any, method: str = "p_value", return_confidence: Literal[False] = False) -> Floats: ...
    @overload
    def predict_proba(self, X: Any, method: str, return_confidence: bool) -> Floats | tuple[Floats, Floats]: ...
    @overload
    def predict_proba(
        self, X: Any, method: str = "p_value", *, return_confidence: bool
    ) -> Floats | tuple[Floats, Floats]: ...
    def predict_proba(
        self, X: Any, method: str = "p_value", return_confidence: bool = False
    ) -> Floats | tuple[Floats, Floats]:
        """How normal and how anomalous each sample is, ``[samples, 2]``, rows that add up to 1.

        Parameters
        ----------
        method
            ``"p_value"``: the share of normals that score at least as high, and the rest. ``"linear"`` and
            ``"unify"`` are PyOD's: where the score lies between the smallest and the largest of
            ``decision_scores_``, and the error function of its distance from their mean, in units of their spread
            (Kriegel et al. 2011); both within [0, 1], beyond which they are cut. None is the probability that the
            sample is anomalous, which nobody can know who has seen normals alone.
        return_confidence
            Whether to give :meth:`predict_confidence`, too: a pair of arrays.
        """
        if method not in ("p_value", "linear", "unify"):
            raise SettingError(f"`method` is {method!r}; expected `p_value`, `linear` or `unify`")
        if method == "p_value":
            scores, p_values = self._placed(X)
            shares = np.column_stack([p_values, 1 - p_values])
            return self._with_confidence(shares, scores, return_confidence)
        scores, trained = self._evaluate(X), self._scores_of_training()
        if method == "linear":
            low, high = trained.min(), trained.max()
            anomalous = (scores - low) / (high - low if high > low else 1.0)
        else:
            spread = self._sigma * np.sqrt(2)
            anomalous = _erf((scores - self._mu) / (spread if spread > 0 else 1.0))
        anomalous = np.clip(anomalous, 0, 1)
        return self._with_confidence(np.column_stack([1 - anomalous, anomalous]), scores, return_confidence)

    def predict_confidence(self, X: Any) -> Floats:
        """The probability, within [0, 1], that the detector would decide the same about each sample, had it been
        trained on others drawn alike and flagged as many of them (Perini, Vercruyssen, Davis 2020).

        It says how far a sample is from the threshold, in terms of the training samples in between; not whether the
        decision is right.

        Raises
        ------
        NotFittedError
            Without ``decision_scores_``.
        """
        return self._stability().confidence(self._evaluate(X))

    def predict_with_rejection(
        self,
        X: Any,
        T: float = 32,
        return_stats: bool = False,
        delta: float = 0.1,
        c_fp: float = 1,
        c_fn: float = 1,
        c_r: float | None = None,
    ) -> Any:
        """What :meth:`predict` says, and -2 for samples that are rejected: flagged and not flagged both have, as
        :meth:`predict_confidence` counts, a probability of at least ``exp(-T)`` (Perini, Davis 2023).

        With ``return_stats``, also the list that :meth:`compute_rejection_stats` gives: a pair.
        """
        stability = self._stability()
        _check_numbers(T=T, delta=delta, c_fp=c_fp, c_fn=c_fn, c_r=0 if c_r is None else c_r)
        stats = stability.rejection(T, delta, (c_fp, c_fn, c_r))
        scores = self._evaluate(X)
        labels = np.where(stability.rejected(scores, T), REJECTED, self._labels(scores))
        return (labels, list(stats)) if return_stats else labels

    def compute_rejection_stats(
        self,
        T: float = 32,
        delta: float = 0.1,
        c_fp: float = 1,
        c_fn: float = 1,
        c_r: float | None = None,
        verbose: bool = False,
    ) -> tuple[float, float, float]:
        """How often :meth:`predict_with_rejection` rejects new samples that score as those that trained do.

        Parameters
        ----------
        T
            The larger, the more are rejected: all whose decision would be another one with a probability of at least
            ``exp(-T)``. Above 0.
        delta
            How probable it may be that more are rejected than the second number, within (0, 1). That number is
            tighter than PyOD's: it counts training samples that are rejected.
        c_fp, c_fn, c_r
            Costs of a normal that is flagged, of an anomaly that is not, and of a rejection; 0 or more. Default of
            the last: the share of training samples that are flagged.
        verbose
            Whether to print the three, too.

        Returns
        -------
        tuple of float
            The share that is likely to be rejected; that which it does not exceed; and what a sample costs at most,
            on average, if as many are anomalous as are flagged.
        """
        _check_numbers(T=T, delta=delta, c_fp=c_fp, c_fn=c_fn, c_r=0 if c_r is None else c_r)
        stats = self._stability().rejection(T, delta, (c_fp, c_fn, c_r))
        if verbose:
            print("rejected, likely {:.4f} and at most {:.4f}; cost at most {:.4f}".format(*stats))
        return stats

    def _predict_rank(self, X: Any, normalized: bool = False) -> npt.NDArray[Any]:
        """How many of the training samples score lower than each sample; or with ``normalized`` the share of the
        highest such number, within [0, 1]. PyOD's combinations of detectors ask for it."""
        ranks = np.searchsorted(np.sort(self._scores_of_training()), self._evaluate(X))
        return ranks / max(int(ranks.max(initial=0)), 1) if normalized else ranks

    @property
    def _mu(self) -> float:
        """The mean of ``decision_scores_``."""
        return float(self._scores_of_training().mean())

    @property
    def _sigma(self) -> float:
        """Their spread: the standard deviation."""
        return float(self._scores_of_training().std())

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn asks, which is installed then, and which PyOD's ensembles check detectors by."""
        from sklearn.utils import InputTags, Tags, TargetTags

        taken = InputTags(three_d_array=True, string=True, categorical=True)
        return Tags(estimator_type="outlier_detector", target_tags=TargetTags(required=False), input_tags=taken)

    def _stability(self) -> _unlike.Stability:
        return _unlike.Stability(self._scores_of_training(), self._threshold())

    def _with_confidence(self, told: _Told, scores: Floats, asked: bool) -> _Told | tuple[_Told, Floats]:
        return (told, self._stability().confidence(scores)) if asked else told


def _check_numbers(**given: object) -> None:
    for name, value in given.items():
        if not is_number(value):
            raise SettingError(f"`{name}` is {value!r}; expected a number")


def _erf(values: Floats) -> Floats:
    from math import erf

    return np.array([erf(value) for value in values])
