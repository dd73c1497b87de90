"""The contract of every detector."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import unlike

from conftest import fitted

ALL = pytest.mark.parametrize("cls", unlike.DETECTORS, ids=lambda cls: cls.__name__)


@ALL
def test_a_detector_has_what_pyod_promises(cls, normals, mixed) -> None:
    detector = fitted(cls, normals, contamination=0.1)
    assert detector.decision_scores_.shape == (600,)
    assert np.isfinite(detector.decision_scores_).all()
    assert set(detector.labels_) <= {0, 1}
    # What a share of the samples is flagged, but for those of one score.
    ties = np.sum(detector.decision_scores_ == detector.threshold_)
    assert abs(int(detector.labels_.sum()) - 60) <= ties + 1
    assert (detector.labels_ == (detector.decision_scores_ >= detector.threshold_)).all()
    assert np.array_equal(detector.decision_function(normals), detector.decision_scores_)
    X, _ = mixed
    flags = detector.predict(X)
    assert flags.dtype == np.int64 and set(flags) <= {0, 1}
    for method in ("p_value", "linear", "unify"):
        shares = detector.predict_proba(X, method=method)
        assert shares.shape == (30, 2)
        assert np.allclose(shares.sum(axis=1), 1) and shares.min() >= 0 and shares.max() <= 1
        by_share, by_score = shares[:, 1], detector.decision_function(X)
        order = np.argsort(by_score)
        assert (np.diff(by_share[order]) >= 0).all(), method
    assert np.array_equal(cls(**detector.get_params()).fit_predict(normals), detector.labels_)


@ALL
def test_decisions_near_the_threshold_are_unsure_and_may_be_rejected(cls, normals, mixed) -> None:
    detector = fitted(cls, normals, contamination=0.1)
    X, _ = mixed
    labels, confidence = detector.predict(X, return_confidence=True)
    assert np.array_equal(labels, detector.predict(X))
    assert np.array_equal(confidence, detector.predict_confidence(X))
    assert confidence.min() >= 0 and confidence.max() <= 1
    # The surer, the more samples that trained lie between a score and the threshold.
    flagged = detector.predict_proba(X, "linear", return_confidence=True)[1]
    assert np.array_equal(flagged, confidence)
    ranks = detector._predict_rank(X)
    order = np.argsort(ranks)
    chance = np.where(labels == 1, confidence, 1 - confidence)[order]
    assert (np.diff(chance) >= -1e-12).all()
    assert detector._predict_rank(X, normalized=True).max() == 1

    some, stats = detector.predict_with_rejection(normals, T=8, return_stats=True)
    rejected = some == -2
    kept = detector.predict_confidence(normals)
    doubt = np.minimum(kept, 1 - kept)
    assert np.array_equal(rejected, doubt >= np.exp(-8.0)) and 0 < rejected.mean() <= stats[1]
    assert np.array_equal(some[~rejected], detector.labels_[~rejected])
    assert stats == list(detector.compute_rejection_stats(T=8))
    # A rejection may cost something else; and the more, the more it costs.
    assert detector.compute_rejection_stats(T=8, c_r=1)[2] > stats[2]


def test_confidence_needs_scores_of_training_and_costs_in_their_range(normals, tmp_path: Path) -> None:
    detector = unlike.PCA(score_training=False).fit(normals)
    for ask in (detector.predict_confidence, detector.predict_with_rejection):
        with pytest.raises(unlike.NotFittedError, match="score_training=True"):
            ask(normals)
    detector = unlike.PCA().fit(normals)
    for arguments, message in [
        ({"T": 0}, "`T` is 0; expected a number above 0"),
        ({"delta": 1}, "`delta` is 1; expected between 0 and 1"),
        ({"c_fp": -1}, "`c_fp` is -1"),
    ]:
        with pytest.raises(unlike.SettingError, match=message):
            detector.predict_with_rejection(normals, **arguments)
    # Where no sample that trained is flagged, none ever would be.
    detector.threshold_ = float(detector.decision_scores_.max()) + 1
    assert (detector.predict_confidence(normals) == 1).all()
    assert detector.compute_rejection_stats()[0] == 0


def test_a_fit_is_measured_by_labels_that_it_does_not_see(normals, mixed) -> None:
    X, y = mixed
    assert unlike.ECOD().fit_predict_score(X, y) > 0.9
    assert 0 <= unlike.ECOD().fit_predict_score(X, y, scoring="prc_n_score") <= 1
    with pytest.raises(NotImplementedError, match="expected `roc_auc_score`"):
        unlike.ECOD().fit_predict_score(X, y, scoring="accuracy")
    for labels in (y[:-1], np.zeros(30)):
        with pytest.raises(unlike.InputError, match="expected 30, of both kinds"):
            unlike.ECOD().fit_predict_score(X, labels)


@ALL
def test_the_threshold_may_be_moved(cls, normals, mixed) -> None:
    detector = fitted(cls, normals)
    X, _ = mixed
    scores = detector.decision_function(X)
    detector.threshold_ = float(np.sort(scores)[-4])
    assert detector.predict(X).sum() == np.sum(scores >= detector.threshold_)
    detector.threshold_ = float(scores.max()) + 1
    assert detector.predict(X).sum() == 0


@ALL
def test_what_is_kept_scores_the_same(cls, normals, mixed, tmp_path: Path) -> None:
    detector = fitted(cls, normals, seed=3)
    X, _ = mixed
    scores = detector.decision_function(X)
    pickled = pickle.dumps(detector)
    assert np.array_equal(pickle.loads(pickled).decision_function(X), scores)
    detector.save(tmp_path / "model")
    assert (tmp_path / "model").read_bytes() == detector.to_bytes()
    loaded = unlike.load(tmp_path / "model")
    assert type(loaded) is cls
    assert np.array_equal(loaded.decision_function(X), scores)
    assert loaded.threshold_ == detector.threshold_
    with pytest.raises(unlike.NotFittedError, match="model files do not hold them"):
        loaded.predict_proba(X, method="linear")
    # Its arguments are all that decides it.
    again = cls(**loaded.get_params()).fit(normals)
    assert again.to_bytes() == detector.to_bytes()


@ALL
def test_p_values_and_selections_are_the_librarys(cls, normals, mixed) -> None:
    detector = fitted(cls, normals)
    X, _ = mixed
    p_values, q_values = detector.p_values(X), detector.q_values(X)
    n = json.loads(detector.model_.about())["n_calibration"]
    ranks = p_values * (n + 1)
    assert np.allclose(ranks, ranks.round()) and p_values.min() >= 1 / (n + 1)
    assert (q_values >= p_values - 1e-12).all() and q_values.max() <= 1
    assert np.array_equal(detector.select(X, false_alarms=0.1), p_values <= 0.1)
    assert np.array_equal(detector.select(X, fdr=0.2), q_values <= 0.2)
    chosen, scores = detector.select(X[:20], budget=5), detector.decision_function(X[:20])
    assert 1 <= chosen.sum() <= 5 and scores[chosen].min() > scores[~chosen].max()


@ALL
def test_parts_explanations_and_reports(cls, normals, mixed) -> None:
    detector = fitted(cls, normals)
    X, y = mixed
    parts = detector.score_parts(X)
    assert parts and all(values.shape == (30,) for values in parts.values())
    told = detector.explain(X)
    assert told.columns == ["1", "2", "3", "4", "5"]
    assert told.contributions.shape == (30, 5) and told.contributions.min() >= 0
    assert len(told) == 30
    for reasons, contributions in zip(told, told.contributions):
        assert len(reasons) <= 5
        given = [r.contribution for r in reasons]
        assert given == sorted(given, reverse=True) and set(given) <= set(contributions)
    # SimpleNet has no reasons for what it takes for normal, and here it has hardly learned.
    assert cls is unlike.SimpleNet or all(told[i] for i in range(30) if y[i] == 1)
    report = detector.report(X, y)
    assert report.metrics is not None and report.metrics["n_anomalous"] == 10
    assert "<html" in report.html() and "<iframe" in report._repr_html_()
    assert detector.report().metrics is None
    with pytest.raises(unlike.InputError, match="explanations by columns"):
        detector.anomaly_map(X)


@ALL
def test_a_detector_that_is_not_fitted_says_so(cls, normals) -> None:
    for ask in ("predict", "decision_function", "p_values", "explain", "predict_proba", "score_parts"):
        with pytest.raises(unlike.NotFittedError, match="call `fit` first"):
            getattr(cls(), ask)(normals)


@ALL
def test_arguments_come_back_and_others_are_refused(cls) -> None:
    detector = cls(seed=7)
    assert detector.get_params()["seed"] == 7
    assert cls(**detector.get_params()).get_params() == detector.get_params()
    assert detector.set_params(seed=8) is detector and detector.seed == 8
    assert repr(detector) == f"{cls.__name__}(seed=8)"
    with pytest.raises(TypeError):
        cls(colour="red")
    with pytest.raises(unlike.SettingError, match="`colour` is no argument"):
        detector.set_params(colour="red")


def test_the_same_seed_gives_the_same_model_bit_for_bit(normals) -> None:
    first = fitted(unlike.EGBAD, normals, seed=5).to_bytes()
    assert fitted(unlike.EGBAD, normals, random_state=5).to_bytes() == first
    assert fitted(unlike.EGBAD, normals, seed=6).to_bytes() != first


def test_another_score_can_be_chosen(normals, mixed) -> None:
    X, _ = mixed
    detector = fitted(unlike.EGBAD, normals, score_name="residual")
    assert "residual" in detector.score_names_
    assert np.array_equal(detector.decision_function(X), detector.score_parts(X)["residual"])


def test_other_normals_calibrate(normals, mixed) -> None:
    X, _ = mixed
    detector = fitted(unlike.KNN, normals[:300])
    scores, before = detector.decision_function(X), detector.p_values(X)
    detector.calibrate(normals[300:])
    assert np.array_equal(detector.decision_function(X), scores)
    assert json.loads(detector.model_.about())["n_calibration"] == 300
    assert not np.array_equal(detector.p_values(X), before)
    with pytest.warns(unlike.NoteWarning, match="trained on"):
        detector.calibrate(normals[:300])


def test_contamination_is_auto_or_a_share(normals) -> None:
    for bad in (0, 0.6, -1, "many", None, float("nan")):
        with pytest.raises(unlike.SettingError, match="`contamination` is"):
            unlike.PCA(contamination=bad).fit(normals)
    with pytest.raises(unlike.SettingError, match="`score_training`"):
        unlike.PCA(contamination=0.1, score_training=False).fit(normals)
    quiet = unlike.PCA(score_training=False).fit(normals)
    assert not hasattr(quiet, "decision_scores_")


def test_exactly_one_promise_is_asked_for(normals) -> None:
    detector = unlike.KNN().fit(normals)
    for asked in ({}, {"fdr": 0.1, "budget": 3}):
        with pytest.raises(unlike.SettingError, match="expected one"):
            detector.select(normals, **asked)
    with pytest.raises(unlike.InputError, match="calibrate on more normals"):
        detector.select(normals, fdr=1e-6)
    with pytest.raises(unlike.SettingError, match="`fdr` is 2"):
        detector.select(normals, fdr=2)


def test_notebooks_see_a_table(normals) -> None:
    assert "EGBAD" in unlike.EGBAD()._repr_html_()
    shown = unlike.KNN().fit(normals)._repr_html_()
    assert "held-out normals" in shown and "<table>" in shown


def test_errors_survive_pickling() -> None:
    error = unlike.InputError("what", "do this")
    copied = pickle.loads(pickle.dumps(error))
    assert (type(copied), copied.message, copied.hint, str(copied)) == (
        unlike.InputError,
        "what",
        "do this",
        "what\nhint: do this",
    )


# GANomaly keeps fewer than half of five columns.
EMBEDS = {"EGBAD": 4, "BiGAN": 4, "AnoGAN": 4, "FAnoGAN": 4, "GANomaly": 2, "VAE": 4, "PCA": 2}


@ALL
def test_embeddings_are_few_numbers_of_each_sample(cls, normals, mixed) -> None:
    arguments = {"latent": 4} if "latent" in cls._parameters() else {}
    arguments |= {"components": 2} if cls is unlike.PCA else {}
    detector = fitted(cls, normals, **arguments)
    X, _ = mixed
    if cls.__name__ not in EMBEDS:
        with pytest.raises(unlike.InputError, match=f"{cls.__name__} embeds none of these"):
            detector.embed(X)
        return
    embedded = detector.embed(X)
    assert embedded.shape == (30, EMBEDS[cls.__name__]) and embedded.dtype == np.float32
    assert np.isfinite(embedded).all() and len(np.unique(embedded, axis=0)) == 30
    # Of each sample alone, whatever stands beside it.
    assert np.array_equal(detector.embed(X[::-1]), embedded[::-1])
    assert np.array_equal(detector.embed(X[7:8]), embedded[7:8])


def test_components_embed_what_they_span(normals) -> None:
    # These rows have two dimensions and little noise; of numbers as they are, lengths are those of the rows.
    detector = unlike.PCA(components=2, scaling="standard", tails="keep").fit(normals)
    embedded = detector.embed(normals)
    apart = lambda rows: np.linalg.norm(rows[:200, None] - rows[None, :200], axis=2)  # noqa: E731
    near = np.corrcoef(apart(embedded).ravel(), apart((normals - normals.mean(0)) / normals.std(0)).ravel())
    assert near[0, 1] > 0.999


def test_images_seen_as_pixels_are_embedded_and_places_are_not(images) -> None:
    detector = fitted(unlike.EGBAD, images, features="pixels", latent=5)
    assert detector.embed(images[:7]).shape == (7, 5)
    places = unlike.PCA(features="lite0", feature_pool="patches").fit(images)
    with pytest.raises(unlike.InputError, match="PCA embeds none of these"):
        places.embed(images)
