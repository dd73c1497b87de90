"""The detectors as scikit-learn has them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import unlike
import unlike.sklearn
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from conftest import fitted

ALL = pytest.mark.parametrize("cls", unlike.sklearn.DETECTORS, ids=lambda cls: cls.__name__)

# What scikit-learn checks and these detectors do not do, each with its reason.
EXPECTED: dict[str, str] = {}


def short(cls: type[unlike.sklearn.SklearnDetector]) -> unlike.sklearn.SklearnDetector:
    arguments = {"epochs": 1} if "epochs" in cls._parameters() else {}
    # Of the blobs in these checks, none need lie beyond the held-out ones, which "auto" flags by.
    return cls(contamination=0.1, **arguments)


@parametrize_with_checks(
    [short(cls) for cls in unlike.sklearn.DETECTORS], expected_failed_checks=lambda _: EXPECTED
)
def test_scikit_learns_own_checks(estimator, check) -> None:
    check(estimator)


@ALL
def test_signs_are_scikit_learns_and_scores_are_the_same(cls, normals, mixed) -> None:
    X, _ = mixed
    plain = next(c for c in unlike.DETECTORS if c.__name__ == cls.__name__)
    ours, theirs = fitted(plain, normals), fitted(cls, normals)
    assert cls.__name__ == plain.__name__ and cls.__doc__ == plain.__doc__
    assert np.array_equal(theirs.score_samples(X), -ours.decision_function(X))
    assert np.array_equal(theirs.predict(X), np.where(ours.predict(X) == 1, -1, 1))
    assert np.array_equal(theirs.predict(X) == -1, theirs.decision_function(X) < 0)
    assert np.array_equal(theirs.p_values(X), ours.p_values(X))
    assert np.array_equal(theirs.q_values(X), ours.q_values(X))
    assert np.array_equal(theirs.select(X, budget=3), ours.select(X, budget=3))
    assert np.array_equal(theirs.predict_proba(X), ours.predict_proba(X))
    assert np.array_equal(theirs.predict_confidence(X), ours.predict_confidence(X))
    rejecting = {0: 1, 1: -1, -2: -2}
    assert list(theirs.predict_with_rejection(X)) == [rejecting[label] for label in ours.predict_with_rejection(X)]
    # A score that equals the threshold is flagged by both.
    theirs.threshold_ = ours.threshold_ = float(ours.decision_function(X)[4])
    assert ours.predict(X)[4] == 1 and theirs.predict(X)[4] == -1
    assert np.array_equal(theirs.predict(X) == -1, theirs.decision_function(X) < 0)


def test_detectors_stand_in_pipelines_and_are_searched_over(normals, mixed) -> None:
    X, y = mixed
    pipeline = make_pipeline(StandardScaler(), unlike.sklearn.KNN(contamination=0.1))
    assert set(pipeline.fit(normals).predict(X)) == {1, -1}
    assert clone(pipeline).get_params()["knn__contamination"] == 0.1

    def spread(detector: unlike.sklearn.SklearnDetector, held_out: np.ndarray) -> float:
        """A choice without labels: how alike the scores of held-out normals are."""
        return -float(np.std(detector.score_samples(held_out)))

    search = GridSearchCV(unlike.sklearn.KNN(), {"k": [1, 5]}, scoring=lambda d, X, y=None: spread(d, X))
    assert search.fit(normals).best_params_["k"] in (1, 5)


def test_a_search_without_labels_needs_no_criterion_of_ones_own(normals) -> None:
    search = GridSearchCV(unlike.sklearn.KNN(), {"k": [1, 5]}).fit(normals)
    assert search.best_params_["k"] in (1, 5) and np.isfinite(search.cv_results_["mean_test_score"]).all()
    detector = unlike.sklearn.KNN().fit(normals[:400])
    held_out = normals[400:]
    low, middle, high, most = np.quantile(-detector.score_samples(held_out), [0.25, 0.5, 0.75, 0.99])
    assert detector.score(held_out) == pytest.approx(-(most - middle) / (high - low), rel=1e-9)
    assert detector.score(held_out, np.zeros(200)) == detector.score(held_out)
    assert detector.score(np.repeat(held_out[:1], 9, axis=0)) == -np.inf
    pipeline = make_pipeline(StandardScaler(), unlike.sklearn.PCA()).fit(normals[:400])
    assert pipeline.score(held_out) <= 0


@pytest.mark.parametrize("method", ["score_samples", "explain", "embed", "report", "calibrate", "score_table", "score"])
def test_every_method_counts_columns(method, normals) -> None:
    detector = unlike.sklearn.PCA().fit(normals)
    with pytest.raises(ValueError, match="X has 6 features, but PCA is expecting 5 features"):
        getattr(detector, method)(np.hstack([normals, normals[:, :1]]))
    getattr(detector, method)(*([normals, np.arange(600) % 2] if method == "report" else [normals]))


def test_frames_with_categories_pass_through(normals) -> None:
    frame = pd.DataFrame(normals, columns=list("abcde"))
    frame["kind"] = np.where(frame["a"] > 0, "x", "y")
    detector = unlike.sklearn.KNN().fit(frame)
    assert list(detector.feature_names_in_) == [*"abcde", "kind"]
    assert np.array_equal(detector.score_samples(frame), -unlike.KNN().fit(frame).decision_scores_)
    scaled = ColumnTransformer([("scale", StandardScaler(), list("abcde"))], remainder="passthrough")
    scaled.set_output(transform="pandas")
    assert set(make_pipeline(scaled, unlike.sklearn.KNN()).fit(frame).predict(frame)) <= {1, -1}
