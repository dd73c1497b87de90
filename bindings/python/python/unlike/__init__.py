"""Learns what normal looks like from normal examples alone, then says which new ones are unlike the rest.

A detector has PyOD's methods: ``fit``, ``decision_function`` (higher = more anomalous), ``predict`` (1 is
anomalous), and others that say what a score is worth: ``p_values``, ``select``, ``explain``, ``anomaly_map``.

>>> import numpy as np, unlike
>>> normals = np.random.default_rng(0).normal(size=(500, 3))
>>> detector = unlike.KNN().fit(normals)
>>> bool(detector.p_values([[0.0, 9.0, 0.0]])[0] < 0.05)
True

``unlike.sklearn`` has the same detectors with the signs and names of scikit-learn. The command ``unlike`` comes
with the package; its model files and those of ``save`` are the same.
"""

from __future__ import annotations

from . import _detectors
from ._base import Detector, load
from ._data import Data
from ._detectors import (
    ECOD,
    EGBAD,
    KNN,
    PCA,
    VAE,
    AnoGAN,
    BiGAN,
    FAnoGAN,
    GANomaly,
    IForest,
    PaDiM,
    PatchCore,
    SimpleNet,
)
from ._errors import (
    Error,
    FileError,
    InputError,
    MissingPackageError,
    NoteWarning,
    NotFittedError,
    NotOfferedError,
    SettingError,
    TrainingError,
)
from ._results import Explanations, Reason, Report, Scores
from ._sweep import Sweep, sweep
from ._threads import set_threads
from ._unlike import __version__

DETECTORS = _detectors.CLASSES
"""The classes of all detectors: adversarial models first, then baselines."""

__all__ = [
    "DETECTORS",
    "ECOD",
    "EGBAD",
    "KNN",
    "PCA",
    "VAE",
    "AnoGAN",
    "BiGAN",
    "Data",
    "Detector",
    "Error",
    "Explanations",
    "FAnoGAN",
    "FileError",
    "GANomaly",
    "IForest",
    "InputError",
    "MissingPackageError",
    "NotFittedError",
    "NotOfferedError",
    "NoteWarning",
    "PaDiM",
    "PatchCore",
    "Reason",
    "Report",
    "Scores",
    "SettingError",
    "SimpleNet",
    "Sweep",
    "TrainingError",
    "__version__",
    "load",
    "set_threads",
    "sweep",
]
