"""What is written for PyOD's detectors takes ours: PyOD's combinations of scores, and nonconform's conformal tests."""

from __future__ import annotations

import numpy as np
import pytest
import unlike
from nonconform import ConformalDetector, Split
from pyod.models import combination
from pyod.utils.data import generate_data
from pyod.utils.utility import standardizer

# Theirs, about newer versions of what they use.
pytestmark = pytest.mark.filterwarnings("default", "ignore::unlike.NoteWarning")


@pytest.fixture(scope="module")
def rows():
    X_train, X_test, _, y_test = generate_data(n_train=1000, n_test=300, n_features=4, contamination=0.1, random_state=1)
    # Ours learn from normals alone; PyOD puts them first.
    return X_train[:900], X_test, y_test


@pytest.fixture(scope="module")
def detectors(rows) -> list[unlike.Detector]:
    return [unlike.KNN().fit(rows[0]), unlike.IForest().fit(rows[0]), unlike.EGBAD(epochs=3).fit(rows[0])]


@pytest.mark.parametrize("combine", [combination.average, combination.maximization, combination.median])
def test_pyod_combines_our_scores(combine, detectors, rows) -> None:
    _, X, y = rows
    trained = np.column_stack([detector.decision_scores_ for detector in detectors])
    scores = np.column_stack([detector.decision_function(X) for detector in detectors])
    combined = combine(standardizer(trained, scores)[1])
    assert combined.shape == y.shape
    assert (np.argsort(combined)[-15:] >= 270).all(), "the highest are outliers"


def test_pyod_counts_our_votes(detectors, rows) -> None:
    _, X, y = rows
    votes = combination.majority_vote(np.column_stack([detector.predict(X) for detector in detectors]))
    assert votes[y == 1].mean() > 0.6 and votes[y == 0].mean() < 0.05


@pytest.mark.parametrize("cls", [unlike.KNN, unlike.IForest, unlike.ECOD, unlike.PCA])
def test_nonconform_calibrates_ours(cls, rows) -> None:
    X_train, X, y = rows
    conformal = ConformalDetector(detector=cls(), strategy=Split(n_calib=300), seed=1)
    conformal.fit(X_train)
    p_values = conformal.compute_p_values(X)
    assert p_values.shape == y.shape and (p_values > 0).all() and (p_values <= 1).all()
    # The promise, with three standard deviations of 270 normals and of the calibration on 300.
    assert (p_values[y == 0] <= 0.1).mean() < 0.1 + 3 * np.sqrt(0.09 * (1 / 270 + 1 / 300))
    assert p_values[y == 1].mean() < 0.1
