"""Arguments of constructors are the library's settings."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import unlike
from unlike import _unlike

HERE = Path(__file__).resolve().parent


def test_the_classes_are_those_that_the_librarys_settings_make() -> None:
    subprocess.run([sys.executable, HERE.parent / "generate.py", "--check"], check=True)


@pytest.mark.parametrize("cls", unlike.DETECTORS, ids=lambda cls: cls.__name__)
def test_every_setting_of_a_model_is_an_argument(cls) -> None:
    for kind in ("table", "images"):
        settings = json.loads(_unlike.recommended(cls._model_name, kind, 1000))
        names = {name.removeprefix("model_") for name in cls._model_settings}
        assert set(settings["model"]) - {"model", "score"} <= names
        of_training = set(settings) - {"model", "preprocessing", "features", "seed"}
        networks = dict((name, networks) for name, _, networks in _unlike.models())[cls._model_name]
        if networks:
            assert of_training <= set(cls._parameters())


def test_arguments_reach_the_model(normals) -> None:
    detector = unlike.EGBAD(
        epochs=2,
        batch_size=np.int64(100),
        latent=3,
        dropout=np.float32(0.25),
        networks={"encoder": (7,)},
        training={"adam": {"learning_rate": 1e-3}, "init": {"init": "xavier"}},
        hold_out={"calibration": 0.2},
        scaling="standard",
        max_levels=5,
        schedule="constant",
        members=2,
        ensemble=("pca",),
        relative=True,
        seed=11,
    ).fit(normals)
    config = json.loads(detector.model_.config())
    assert (config["epochs"], config["batch_size"], config["seed"]) == (2, 100, 11)
    assert (config["model"]["latent"], config["model"]["dropout"]) == (3, 0.25)
    assert config["model"]["networks"]["encoder"] == [7]
    assert config["model"]["training"]["adam"]["beta1"] == 0.5, "what is left out is as recommended"
    assert config["model"]["training"]["init"] == {"init": "xavier"}
    assert config["hold_out"] == {"validation": 0.1, "calibration": 0.2, "limit": 10_000}
    assert config["preprocessing"]["scaling"] == "standard"
    assert config["preprocessing"]["max-levels"] == 5
    assert config["schedule"] == "constant"
    assert (config["members"], config["ensemble"], config["relative"]) == (2, ["pca"], True)
    assert "pca" in detector.score_parts(normals)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"latent": 0}, "`latent` is 0; expected from 1 to 65536"),
        ({"epochs": 0}, "`epochs` is 0; expected at least 1"),
        ({"batch_size": 0}, "`batch_size` is 0; expected at least 1"),
        ({"patience": 0}, "`patience` is 0; expected at least 1"),
        ({"members": 0}, "`members` is 0; expected from 1 to 100"),
        ({"ensemble": ["knn", "knn"]}, "`ensemble` is `knn` twice; expected every model once"),
        ({"ensemble": ["gut"]}, "`model` is `gut`; expected one of egbad"),
        ({"epochs": "many"}, '`epochs` is string "many"; expected a whole number'),
        ({"schedule": "linear"}, "`schedule` is `linear`; expected `constant` or `cosine`"),
        ({"networks": {"dec": [1]}}, "`networks.dec` is no setting; expected one of `width`"),
        ({"training": {"adam": {"beta1": 2.0}}}, "`training.adam.beta1` is 2; expected from 0 up to"),
        ({"hold_out": {"validation": 0.5}}, "`hold_out.validation` is 0.5; expected between 0 and 0.5"),
        ({"hold_out": {"calibration": 0.0}}, "`hold_out.calibration` is 0; expected between 0 and 0.5"),
        ({"hold_out": {"limit": 0}}, "`hold_out.limit` is 0; expected at least 1"),
        ({"max_levels": 0}, "`max_levels` is 0; expected at least 1"),
        ({"augmentation": {"rotation": 50.0}}, "`augmentation.rotation` is 50; expected 0 to 45"),
        ({"augmentation": {"shift": -1}}, "`augmentation.shift`"),
        ({"seed": -1}, "`seed` is -1; expected a whole number from 0"),
        ({"seed": 2**63}, "`seed` is 9223372036854775808; expected a whole number from 0"),
        ({"random_state": 1.5}, "`random_state` is 1.5; expected a whole number"),
        ({"latent": {1, 2}}, "expected numbers, texts, lists or mappings"),
        ({"score_name": "beauty"}, "`score_name` is `beauty`; expected one of combined"),
        ({"device": "abacus"}, "`device` is `abacus`; expected cpu"),
        ({"features": "eyes"}, "`features` is `eyes`; expected `pixels`, `lite0`, `dct` or a file that ends in `.onnx`"),
        ({"feature_pool": "all"}, "`feature_pool` is `all`; expected `patches`, `image` or `both`"),
        ({"overlap": 8}, "`overlap` is 8; expected nothing where images are not cut into tiles"),
    ],
)
def test_arguments_out_of_range_are_refused_by_name(arguments, message, normals) -> None:
    with pytest.raises(unlike.SettingError) as refused:
        unlike.EGBAD(**{"epochs": 1, **arguments}).fit(normals)
    assert message in str(refused.value)


def test_threads_are_as_many_as_a_machine_can_have() -> None:
    for threads in (0, -1, 2000, 2**80, 1.5, True, "2", None):
        with pytest.raises(unlike.SettingError, match="`threads` is .*; expected from 1 to 1024"):
            unlike.set_threads(threads)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"device": None}, "`device` is None; expected a text"),
        ({"score_name": 3}, "`score_name` is 3; expected a text or None"),
        ({"feature_pool": 1}, "`feature_pool` is 1; expected a text or None"),
        ({"feature_taps": 3}, "`feature_taps` is 3; expected names of stages"),
        ({"tile": "big"}, "`tile` is 'big'; expected a whole number of pixels"),
        ({"overlap": -1}, "`overlap` is -1; expected a whole number of pixels"),
        ({"progress": "yes"}, "`progress` is 'yes'; expected True, False, None or a function"),
    ],
)
def test_arguments_of_another_type_are_refused_by_name(arguments, message, normals) -> None:
    with pytest.raises(unlike.SettingError, match=message):
        unlike.PCA(**arguments).fit(normals)


def test_one_stage_may_be_named_alone(images) -> None:
    alone, listed = (unlike.KNN(features="lite0", feature_taps=taps).fit(images) for taps in ("stage3", ["stage3"]))
    assert alone.to_bytes() == listed.to_bytes()


def test_whole_numbers_and_generators_of_numpy_are_seeds(normals) -> None:
    by_int = unlike.IForest(seed=7).fit(normals).to_bytes()
    assert unlike.IForest(seed=np.int64(7)).fit(normals).to_bytes() == by_int
    assert unlike.IForest(random_state=np.uint8(7)).fit(normals).to_bytes() == by_int
    drawn = [unlike.IForest(random_state=np.random.RandomState(1)).fit(normals).to_bytes() for _ in range(2)]
    assert drawn[0] == drawn[1] != by_int


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"fdr": "a"}, "`fdr` is 'a'; expected a rate between 0 and 1"),
        ({"fdr": True}, "`fdr` is True; expected a rate"),
        ({"fdr": 1.5}, "`fdr` is 1.5"),
        ({"false_alarms": [0.1]}, r"`false_alarms` is \[0.1\]; expected a rate"),
        ({"false_alarms": np.nan}, "`false_alarms` is NaN"),
        ({"budget": 2.5}, "`budget` is 2.5; expected a whole number of samples from 1 up"),
        ({"budget": True}, "`budget` is True; expected a whole number"),
        ({"budget": np.inf}, "`budget` is inf; expected a whole number"),
        ({"budget": -1}, "`budget` is -1; expected a whole number"),
        ({"budget": 0}, "`budget` is 0; expected"),
        ({"budget": "3"}, "`budget` is '3'; expected a whole number"),
    ],
)
def test_decisions_are_by_rates_and_whole_numbers(asked, message, normals) -> None:
    detector = unlike.PCA().fit(normals)
    for decide in (detector.select, detector.score_table):
        with pytest.raises(unlike.SettingError, match=message):
            decide(normals, **asked)
    assert detector.select(normals, budget=np.int32(3)).sum() == 3
    assert detector.select(normals, budget=10**400).all()


def test_costs_of_decisions_are_numbers(normals) -> None:
    detector = unlike.PCA().fit(normals)
    for name in ("T", "delta", "c_fp", "c_fn", "c_r"):
        with pytest.raises(unlike.SettingError, match=f"`{name}` is 'a'; expected a number"):
            detector.predict_with_rejection(normals, **{name: "a"})
        with pytest.raises(unlike.SettingError, match=f"`{name}` is 'a'; expected a number"):
            detector.compute_rejection_stats(**{name: "a"})


def test_a_threshold_is_a_finite_number(normals) -> None:
    detector = unlike.PCA().fit(normals)
    for threshold in ("high", None, np.nan, np.inf, True, [1.0]):
        detector.threshold_ = threshold
        for ask in (detector.predict, detector.q_values, detector.score_table, detector.predict_confidence):
            with pytest.raises(unlike.SettingError, match="`threshold_` is .*; expected a finite number"):
                ask(normals)
        with pytest.raises(unlike.SettingError, match="`threshold_` is"):
            detector.report(normals, np.arange(600) % 2)
    detector.threshold_ = np.float32(0.5)
    assert set(detector.predict(normals)) <= {0, 1}


def test_labels_of_training_need_its_scores(normals, mixed) -> None:
    X, y = mixed
    heard: list[object] = []
    detector = unlike.EGBAD(epochs=3, score_training=False, progress=heard.append)
    with pytest.raises(unlike.SettingError, match="`score_training` is False; expected True"):
        detector.fit_predict(normals)
    with pytest.raises(unlike.SettingError, match="`score_training` is False; expected True"):
        detector.fit_predict_score(X, y)
    assert not heard, "before the training"
