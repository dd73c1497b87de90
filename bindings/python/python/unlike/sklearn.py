"""The detectors with the signs and names of scikit-learn, which has to be installed.

``score_samples`` and ``decision_function`` are higher for normal samples, ``predict`` gives 1 for normal and -1
for anomalous ones, and ``decision_function`` is ``score_samples`` less ``offset_``: below 0 is anomalous. They
are clonable, can be searched over, by a ``score`` without labels unless another is given, and stand in pipelines.

``X`` is an array of rows or a frame; what else detectors take, those of ``unlike`` itself take.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from . import _data, _detectors, _unlike
from ._base import Detector


_Self = TypeVar("_Self", bound="SklearnDetector")


class SklearnDetector(OutlierMixin, BaseEstimator, Detector):  # type: ignore[misc]
    """What all of them do; see :class:`unlike.Detector` for the rest.

    Attributes
    ----------
    offset_ : float
        Samples whose ``score_samples`` is below this are anomalous. It goes with ``threshold_``.
    """

    def fit(self: _Self, X: Any, y: object = None) -> _Self:
        """As :meth:`unlike.Detector.fit`."""
        self._fit(self._validated(X, reset=True))
        return self

    def fit_predict(self, X: Any, y: object = None, **kwargs: Any) -> npt.NDArray[np.int64]:
        """Fits, and gives 1 for each sample that is normal and -1 for the others."""
        predicted: npt.NDArray[np.int64] = self.fit(X, y).predict(X)
        return predicted

    def score_samples(self, X: Any) -> npt.NDArray[np.float64]:
        """The raw score with its sign changed: higher = more normal."""
        return -self._evaluate(X)

    def decision_function(self, X: Any) -> npt.NDArray[np.float64]:
        """``score_samples`` less ``offset_``: below 0 is anomalous."""
        scores = self.score_samples(X)
        return scores - self.offset_

    def score(self, X: Any, y: object = None) -> float:
        """How short the tail of these normals' scores is, higher = shorter: a criterion without labels, by which
        ``GridSearchCV`` chooses where it is not told another.

        It is how far the highest hundredth lies above the median, in units of the distance of the quartiles, with its
        sign changed: of two detectors, the one with the shorter tail has false alarms that are nearer to misses. It
        says nothing of anomalies, which it has not seen.

        Parameters
        ----------
        X
            Normal samples that have not been trained on.
        y
            Ignored.

        Returns
        -------
        float
            At most 0; minus infinity where half of the scores are one number, or there are none.
        """
        tail = _unlike.tail(self._evaluate(X))
        return -np.inf if tail is None else -tail

    def _labels(self, scores: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        return 1 - 2 * self._flags(scores)

    @property
    def offset_(self) -> float:
        """The largest number below every score that is flagged, with its sign changed."""
        check_is_fitted(self, "model_")
        # A score that equals the threshold is flagged; scikit-learn flags what is below the offset.
        return -float(np.nextafter(self._threshold(), -np.inf))

    def _validated(self, X: Any, reset: bool) -> Any:
        if isinstance(X, _data.Data) or _data.paths_of(X) is not None:
            return X
        if hasattr(X, "iloc") or hasattr(X, "__arrow_c_stream__"):
            # Columns of texts and categories are read as they are.
            validate_data(self, X, reset=reset, skip_check_array=True)
            return X
        if isinstance(X, np.ndarray) and X.ndim in (3, 4) and X.dtype == np.uint8:
            return X
        # The detector says how many samples it needs, where one is not the problem.
        least = 2 if reset else 1
        types = [np.float64, np.float32]
        return validate_data(self, X, reset=reset, dtype=types, ensure_min_samples=least)

    def _given(self, X: Any) -> Any:
        check_is_fitted(self, "model_")
        return self._validated(X, reset=False)

    def _adopt(self, model: _unlike.Model) -> None:
        # validate_data has counted what it was given.
        counted = self.__dict__.get("n_features_in_")
        super()._adopt(model)
        if counted is not None:
            self.n_features_in_ = counted

    def __sklearn_is_fitted__(self) -> bool:
        return "model_" in self.__dict__

    __sklearn_tags__ = Detector.__sklearn_tags__


class EGBAD(SklearnDetector, _detectors.EGBAD):
    __doc__ = _detectors.EGBAD.__doc__


class BiGAN(SklearnDetector, _detectors.BiGAN):
    __doc__ = _detectors.BiGAN.__doc__


class AnoGAN(SklearnDetector, _detectors.AnoGAN):
    __doc__ = _detectors.AnoGAN.__doc__


class FAnoGAN(SklearnDetector, _detectors.FAnoGAN):
    __doc__ = _detectors.FAnoGAN.__doc__


class GANomaly(SklearnDetector, _detectors.GANomaly):
    __doc__ = _detectors.GANomaly.__doc__


class VAE(SklearnDetector, _detectors.VAE):
    __doc__ = _detectors.VAE.__doc__


class SimpleNet(SklearnDetector, _detectors.SimpleNet):
    __doc__ = _detectors.SimpleNet.__doc__


class PCA(SklearnDetector, _detectors.PCA):
    __doc__ = _detectors.PCA.__doc__


class KNN(SklearnDetector, _detectors.KNN):
    __doc__ = _detectors.KNN.__doc__


class PatchCore(SklearnDetector, _detectors.PatchCore):
    __doc__ = _detectors.PatchCore.__doc__


class PaDiM(SklearnDetector, _detectors.PaDiM):
    __doc__ = _detectors.PaDiM.__doc__


class IForest(SklearnDetector, _detectors.IForest):
    __doc__ = _detectors.IForest.__doc__


class ECOD(SklearnDetector, _detectors.ECOD):
    __doc__ = _detectors.ECOD.__doc__


DETECTORS = (
    EGBAD,
    BiGAN,
    AnoGAN,
    FAnoGAN,
    GANomaly,
    SimpleNet,
    VAE,
    PCA,
    KNN,
    PatchCore,
    PaDiM,
    IForest,
    ECOD,
)
"""All of them, in the order of ``unlike.DETECTORS``."""
