"""A sweep trains each detector as it would be trained alone, goes on where it was, and tells trainings apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import unlike


def test_a_sweep_is_many_trainings_and_goes_on_where_it_was(normals, tmp_path: Path) -> None:
    detectors = {"egbad": unlike.EGBAD(epochs=2), "pca": unlike.PCA()}
    sweep = unlike.sweep(detectors, {"rows": normals}, tmp_path, seeds=[0, 3], promised=0.1)
    assert [(row["detector"], row["seed"]) for row in sweep.rows] == [
        ("egbad", 0), ("egbad", 3), ("pca", 0), ("pca", 3),
    ]  # fmt: skip
    held_out = np.arange(len(normals)) % 5 == 4
    for row in sweep.rows:
        alone = detectors[row["detector"]].set_params(seed=row["seed"]).fit(normals[~held_out])
        assert sweep.detector("rows", row["detector"], row["seed"]).to_bytes() == alone.to_bytes()
        assert row["false_alarms"] == np.mean(alone.p_values(normals[held_out]) <= 0.1)
        assert row["promised"] == 0.1 and row["tail"] > 0.5 and row["seconds"] > 0 and row["error"] is None
    assert len(str(sweep).splitlines()) == 5 and "false_alarms" in str(sweep)

    stamps = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.safetensors")}
    detectors["egbad"].set_params(epochs=3)
    (tmp_path / "rows.pca.3.json").unlink()
    again = unlike.sweep(detectors, {"rows": normals}, tmp_path, seeds=[0, 3], promised=0.2)
    changed = {path.name for path in tmp_path.glob("*.safetensors") if path.stat().st_mtime_ns != stamps[path.name]}
    assert changed == {f"rows.{name}.safetensors" for name in ("egbad.0", "egbad.3", "pca.3")}
    assert again.rows[2]["false_alarms"] >= sweep.rows[2]["false_alarms"] and again.rows[2]["promised"] == 0.2
    moved = unlike.sweep({"pca": unlike.PCA()}, {"rows": normals + 1}, tmp_path, processes=1)
    assert moved.detector("rows", "pca", 0).to_bytes() != sweep.detector("rows", "pca", 3).to_bytes()


def test_a_training_that_fails_stops_no_other(normals, tmp_path: Path) -> None:
    np.savetxt(tmp_path / "rows.csv", normals, delimiter=",")
    data = {"few": normals[:3], "file": tmp_path / "rows.csv"}
    sweep = unlike.sweep({"pca": unlike.PCA()}, data, tmp_path / "out", held_out={"few": normals, "file": normals})
    few, file = sweep.rows
    assert "expected at least 4" in few["error"] and few["seconds"] is None
    assert file["error"] is None and 0 <= file["false_alarms"] < 0.2
    with pytest.raises(unlike.FileError):
        sweep.detector("few", "pca", 0)
    # It is tried again; and without other normals, there is nothing to compare on.
    again = unlike.sweep({"pca": unlike.PCA()}, {"few": normals, "file": data["file"]}, tmp_path / "out")
    assert again.rows[0]["error"] is None and again.rows[1]["false_alarms"] is None
    scores = again.detector("file", "pca", 0).model_.calibration_scores()
    low, middle, high, most = np.quantile(scores, [0.25, 0.5, 0.75, 0.99])
    assert again.rows[1]["tail"] == pytest.approx((most - middle) / (high - low), rel=1e-12)


def test_what_a_sweep_cannot_do_is_told(normals, tmp_path: Path) -> None:
    pca = {"pca": unlike.PCA()}
    for arguments, message in [
        ({"on": "moon"}, "`on` is 'moon'"),
        ({"processes": 0}, "`processes` is 0"),
        ({"promised": 1}, "`promised` is 1"),
        ({"held_out": {"other": normals}}, r"expected \['rows'\], as `data`"),
        ({"held_out": [normals]}, "`held_out` is list; expected a mapping"),
        ({"seeds": 3}, "`seeds` is 3; expected whole numbers"),
        ({"seeds": [0.5]}, "`seeds` has 0.5"),
        ({"seeds": [1, np.int64(1)]}, r"`seeds` is \[1, 1\]; expected"),
    ]:
        with pytest.raises(unlike.Error, match=message):
            unlike.sweep(pca, {"rows": normals}, tmp_path, **arguments)
    with pytest.raises(unlike.SettingError, match="is to name files"):
        unlike.sweep(pca, {"../rows": normals}, tmp_path)
    with pytest.raises(unlike.SettingError, match="differ in more than case"):
        unlike.sweep(pca, {"rows": normals, "Rows": normals}, tmp_path)
    for detectors in ([unlike.PCA()], unlike.PCA(), {"pca": unlike.PCA}, {1: unlike.PCA()}):
        with pytest.raises(unlike.Error, match="`detectors`"):
            unlike.sweep(detectors, {"rows": normals}, tmp_path)
    with pytest.raises(unlike.InputError, match="`data` is ndarray; expected a mapping"):
        unlike.sweep(pca, normals, tmp_path)
    assert not list(tmp_path.iterdir()), "refused before anything is trained"


def test_a_detector_of_a_sweep_is_that_of_its_row_or_there_is_none(normals, tmp_path: Path) -> None:
    pca = {"pca": unlike.PCA()}
    first = unlike.sweep(pca, {"rows": normals}, tmp_path)
    assert first.detector("rows", "pca", 0).decision_function(normals[:1]).shape == (1,)
    failed = unlike.sweep(pca, {"rows": normals[:3]}, tmp_path)
    assert failed.rows[0]["error"] is not None
    with pytest.raises(unlike.FileError, match="`rows.pca.0` failed: .*expected at least"):
        failed.detector("rows", "pca", 0)
    with pytest.raises(unlike.FileError, match="there is no training `rows.pca.7`"):
        first.detector("rows", "pca", 7)
    # What the first sweep left is still there, until another training takes its place.
    assert first.detector("rows", "pca", 0).n_features_in_ == 5
    unlike.sweep(pca, {"rows": normals + 1}, tmp_path)
    with pytest.raises(unlike.FileError, match="not what this sweep left there"):
        first.detector("rows", "pca", 0)


def test_trainings_of_alike_names_share_no_file(normals, tmp_path: Path) -> None:
    pca = unlike.PCA()
    sweep = unlike.sweep({"c": pca, "b--c": pca}, {"a--b": normals, "a": normals + 1}, tmp_path)
    models = {sweep.detector(row["data"], row["detector"], 0).to_bytes() for row in sweep.rows}
    assert len(list(tmp_path.glob("*.safetensors"))) == 4 and len(models) == 2
    crossed = sweep.detector("a--b", "c", 0), sweep.detector("a", "b--c", 0)
    assert crossed[0].to_bytes() != crossed[1].to_bytes()


def test_detectors_of_a_sweep_flag_as_they_were_told(normals, tmp_path: Path) -> None:
    detectors = {"many": unlike.KNN(contamination=0.2), "usual": unlike.KNN()}
    sweep = unlike.sweep(detectors, {"rows": normals}, tmp_path)
    trained = normals[np.arange(len(normals)) % 5 != 4]
    for name, detector in detectors.items():
        alone, kept = detector.fit(trained), sweep.detector("rows", name, 0)
        assert (kept.threshold_, kept.contamination) == (alone.threshold_, alone.contamination)
        assert np.array_equal(kept.predict(normals), alone.predict(normals))
    assert sweep.detector("rows", "many", 0).predict(trained).mean() == pytest.approx(0.2, abs=0.01)


def test_every_argument_counts_however_it_is_shown(normals, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    import unlike.sklearn

    # scikit-learn's texts of estimators leave out what is long.
    layers = [8] * 40
    few = unlike.sklearn.EGBAD(epochs=1, networks={"encoder": [*layers, 8]})
    assert unlike.sweep({"egbad": few}, {"rows": normals}, tmp_path).rows[0]["error"] is None
    stamp = (tmp_path / "rows.egbad.0.json").stat().st_mtime_ns
    unlike.sweep({"egbad": few}, {"rows": normals}, tmp_path)
    assert (tmp_path / "rows.egbad.0.json").stat().st_mtime_ns == stamp
    few.set_params(networks={"encoder": [*layers, 9]})
    unlike.sweep({"egbad": few}, {"rows": normals}, tmp_path)
    assert (tmp_path / "rows.egbad.0.json").stat().st_mtime_ns > stamp


def test_seeds_of_numpy_are_seeds(normals, tmp_path: Path) -> None:
    sweep = unlike.sweep({"pca": unlike.PCA()}, {"rows": normals}, tmp_path, seeds=np.arange(2))
    assert [(row["seed"], row["error"]) for row in sweep.rows] == [(0, None), (1, None)]
    assert sweep.detector("rows", "pca", np.int64(1)).n_features_in_ == 5
