"""The command and the package are one program."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import unlike

from png import write_png

ALL = pytest.mark.parametrize("cls", unlike.DETECTORS, ids=lambda cls: cls.__name__)


def scores_of(command, model: str, data: str, *words: str) -> pd.DataFrame:
    command("score", model, data, "--out", "scores.jsonl", "--force", *words)
    lines = (command.folder / "scores.jsonl").read_text().splitlines()
    return pd.DataFrame.from_records([json.loads(line) for line in lines])


@pytest.fixture
def command(command, tmp_path: Path):
    command.folder = tmp_path
    return command


def test_the_package_brings_the_command(command) -> None:
    assert command("--version").stdout == f"unlike {unlike.__version__}\n"
    assert "Usage: unlike" in command("train", "--help").stdout
    failed = command("score", "nothing", "here", "--json", code=2)
    assert json.loads(failed.stdout)["error"]["exit_code"] == 2
    assert failed.stderr.startswith("error: cannot read")
    assert "error: unexpected argument '--colour'" in command("train", "x", "--colour", code=2).stderr


def test_both_sweep_to_the_same_models_and_criteria(command, normals, tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", normals[:400])
    np.save(tmp_path / "other.npy", normals[400:])
    words = ["rows.npy", "--models", "pca,knn", "--seeds", "0,1", "--held-out", "other.npy", "--json"]
    theirs = json.loads(command("sweep", *words).stdout)
    detectors = {"pca": unlike.PCA(), "knn": unlike.KNN()}
    data, held_out = {"rows": normals[:400]}, {"rows": normals[400:]}
    ours = unlike.sweep(detectors, data, tmp_path / "ours", seeds=[0, 1], held_out=held_out)
    for row, other in zip(ours.rows, theirs, strict=True):
        names = row["data"], row["detector"], row["seed"]
        assert names == (other["data"], other["model"], other["seed"])
        assert [row[name] for name in ("promised", "false_alarms", "tail", "error")] == [
            other[name] for name in ("promised", "false_alarms", "tail", "error")
        ]
        X = normals[400:]
        scores = unlike.load(tmp_path / other["run"]).decision_function(X)
        assert np.array_equal(ours.detector(*names).decision_function(X), scores)


@ALL
def test_both_train_the_same_model_of_an_array(cls, command, normals, mixed, tmp_path: Path) -> None:
    X, _ = mixed
    np.save(tmp_path / "normals.npy", normals)
    np.save(tmp_path / "mixed.npy", X.astype(np.float32))
    name = cls._model_name
    epochs = ["--epochs", "2"] if "epochs" in cls._parameters() else []
    command("train", "normals.npy", "--model", name, "--seed", "7", "--out", "run", *epochs)
    arguments = {"epochs": 2} if epochs else {}
    detector = cls(seed=7, **arguments).fit(normals)

    theirs = scores_of(command, "run", "mixed.npy")
    assert np.array_equal(theirs["score"], detector.decision_function(X.astype(np.float32)))
    assert np.array_equal(theirs["p_value"], detector.p_values(X.astype(np.float32)))
    for part, values in detector.score_parts(X.astype(np.float32)).items():
        assert np.array_equal(theirs[part].astype(np.float32), values)

    # Either reads the other's file.
    detector.save(tmp_path / "ours")
    assert theirs.equals(scores_of(command, "ours", "mixed.npy"))
    loaded = unlike.load(tmp_path / "run")
    assert np.array_equal(loaded.decision_function(X), detector.decision_function(X))
    assert loaded.threshold_ == detector.threshold_


def test_a_frame_is_read_as_the_file_that_pandas_writes_of_it(command, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "bytes": rng.integers(0, 1000, 300),
            "rate": np.where(rng.random(300) < 0.1, np.nan, rng.normal(size=300)),
            "protocol": rng.choice(["udp", "tcp", "icmp"], 300),
            "secure": rng.random(300) < 0.8,
        }
    )
    frame.to_csv(tmp_path / "flows.csv", index=False)
    command("train", "flows.csv", "--model", "egbad", "--epochs", "2", "--out", "run")
    detector = unlike.EGBAD(epochs=2).fit(frame)
    theirs = scores_of(command, "run", "flows.csv")
    assert np.array_equal(theirs["score"], detector.decision_scores_)
    assert np.array_equal(unlike.load(tmp_path / "run").decision_function(frame), detector.decision_scores_)
    assert np.array_equal(detector.decision_function(tmp_path / "flows.csv"), detector.decision_scores_)

    # Other programs write booleans otherwise; the model knows how.
    frame.assign(secure=np.where(frame["secure"], "true", "false")).to_csv(tmp_path / "lower.csv", index=False)
    lower = unlike.EGBAD(epochs=2).fit(tmp_path / "lower.csv")
    assert np.array_equal(lower.decision_function(frame), lower.decision_scores_)


def test_files_with_labels_train_on_normals_and_are_evaluated(command, normals, mixed, tmp_path: Path) -> None:
    X, y = mixed
    rows = pd.DataFrame(np.vstack([normals, X]), columns=list("abcde"))
    rows["class"] = np.where(np.r_[np.zeros(600), y] == 1, "bad", "ok")
    rows.to_csv(tmp_path / "flows.csv", index=False)
    told = ["--label-column", "class", "--normal-label", "ok"]
    command("train", "flows.csv", "--model", "knn", "--out", "run", *told)
    data = unlike.Data(tmp_path / "flows.csv", label_column="class", normal_label="ok")
    detector = unlike.KNN().fit(data)
    assert len(detector.decision_scores_) == 620
    # The model remembers what it was told.
    plain = tmp_path / "flows.csv"
    theirs = scores_of(command, "run", "flows.csv")
    assert np.array_equal(theirs["score"], detector.decision_function(plain))
    report = detector.report(plain)
    document = json.loads(command("eval", "run", "flows.csv", "--json").stdout)
    assert report.metrics is not None
    assert report.metrics["auroc"] == document["evaluation"]["variants"][0]["metrics"]["auroc"]
    report.save(tmp_path / "report.html")
    report.save(tmp_path / "report.json")
    assert unlike.Report.load(tmp_path / "report.json").metrics == report.metrics
    with pytest.raises(unlike.SettingError, match="ends in .html, .md or .json"):
        report.save(tmp_path / "report.txt")


def test_folders_of_images_train_the_same_model(command, images, tmp_path: Path) -> None:
    (tmp_path / "tiles").mkdir()
    for at, image in enumerate(images):
        write_png(tmp_path / "tiles" / f"{at:02}.png", image[:, :, 0])
    for words, arguments in [
        (["--image-size", "8"], {"image_size": 8}),
        (["--image-size", "12x10", "--fit", "stretch"], {"image_size": (12, 10), "fit": "stretch"}),
    ]:
        command("train", "tiles", "--model", "pca", "--out", "run", "--overwrite", *words)
        detector = unlike.PCA().fit(unlike.Data(tmp_path / "tiles", **arguments))
        theirs = scores_of(command, "run", "tiles")
        assert np.array_equal(theirs["score"], detector.decision_function(tmp_path / "tiles"))
        assert (tmp_path / "run" / "model.safetensors").stat().st_size > 0
    command("train", "tiles", "--model", "padim", "--features", "lite0", "--out", "run", "--overwrite")
    detector = unlike.PaDiM(features="lite0").fit(images)
    assert np.array_equal(scores_of(command, "run", "tiles")["score"], detector.decision_scores_)
    assert detector.anomaly_map(images[:2]).shape == (2, 16, 16)
