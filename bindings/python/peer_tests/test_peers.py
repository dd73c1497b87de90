"""What is written for PyOD's detectors takes ours: PyOD's ensembles, combinations of scores and measures, and
nonconform's conformal tests. And what PyOD's detectors say of scores, ours say of the same scores."""

from __future__ import annotations

import numpy as np
import pytest
import unlike
from nonconform import ConformalDetector, Split
from pyod.models import combination, knn
from pyod.models.feature_bagging import FeatureBagging
from pyod.models.lscp import LSCP
from pyod.models.suod import SUOD
from pyod.utils.data import generate_data
from pyod.utils.utility import precision_n_scores, standardizer
from sklearn.metrics import roc_auc_score

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


def ensembles() -> dict[str, object]:
    ours = [unlike.KNN(contamination=0.1), unlike.IForest(contamination=0.1), unlike.ECOD(contamination=0.1)]
    return {
        "FeatureBagging": FeatureBagging(base_estimator=ours[0], n_estimators=5, random_state=1),
        "LSCP": LSCP(ours, random_state=1),
        "SUOD": SUOD(base_estimators=ours, n_jobs=1, verbose=False),
    }


@pytest.mark.parametrize("name", ["FeatureBagging", "LSCP", "SUOD"])
def test_pyods_ensembles_are_made_of_ours(name, rows) -> None:
    X_train, X, y = rows
    ensemble = ensembles()[name].fit(X_train)
    assert roc_auc_score(y, ensemble.decision_function(X)) > 0.95
    assert ensemble.predict(X)[y == 1].mean() > 0.9


@pytest.mark.parametrize("T", [2, 8, 32])
def test_decisions_are_as_sure_as_pyods(T, rows) -> None:
    X_train, X, _ = rows
    theirs = knn.KNN(contamination=0.1).fit(X_train)
    ours = unlike.KNN().fit(X_train)
    # The same scores; and what equals the threshold is flagged by ours alone.
    ours.decision_scores_, ours.threshold_ = theirs.decision_scores_, float(np.nextafter(theirs.threshold_, np.inf))
    ours._evaluate = theirs.decision_function
    assert np.allclose(ours.predict_confidence(X), theirs.predict_confidence(X), rtol=0, atol=1e-10)
    for method in ("linear", "unify"):
        assert np.allclose(ours.predict_proba(X, method), theirs.predict_proba(X, method), rtol=0, atol=1e-12)
    labels, stats = ours.predict_with_rejection(X, T, return_stats=True)
    expected, stats_of_theirs = theirs.predict_with_rejection(X, T, return_stats=True, c_r=0.1)
    assert np.array_equal(labels, expected) and 0 < np.mean(labels == -2) < 0.9
    # Theirs subtract e^-T from 1 before they search.
    assert np.allclose([stats[0], stats[2]], [stats_of_theirs[0], stats_of_theirs[2]], rtol=0, atol=1e-5)
    assert np.mean(labels == -2) <= stats[1] <= stats_of_theirs[1]


def test_ours_are_measured_as_pyods(rows) -> None:
    _, X, y = rows
    detector = unlike.IForest()
    assert detector.fit_predict_score(X, y) == pytest.approx(roc_auc_score(y, detector.decision_scores_), abs=1e-12)
    precision = detector.fit_predict_score(X, y, scoring="prc_n_score")
    assert precision == precision_n_scores(y, detector.decision_scores_)
