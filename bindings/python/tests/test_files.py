"""Files are read in pieces, as the command line reads them; scores leave as a table."""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import polars
import pytest
import unlike

TABLE = ["score", "p_value", "q_value", "anomalous"]


@pytest.fixture(scope="module")
def many() -> np.ndarray:
    """More rows than are read at a time."""
    rng = np.random.default_rng(6)
    return rng.normal(size=(40_000, 3)).round(4)


def told_by(command, folder: Path, *words: str) -> polars.DataFrame:
    command("score", *words, "--out", "theirs.parquet", "--force")
    return polars.read_parquet(folder / "theirs.parquet")


def test_files_in_pieces_score_as_arrays_do(many, tmp_path: Path) -> None:
    detector = unlike.PCA().fit(many[:2000])
    names = ["1", "2", "3"]
    frame = polars.DataFrame(many, schema=names)
    frame.write_parquet(tmp_path / "many.parquet", row_group_size=9_000)
    frame.write_csv(tmp_path / "many.csv")
    np.save(tmp_path / "many.npy", many)
    for at, part in enumerate((many[:15_000], many[15_000:])):
        polars.DataFrame(part, schema=names).write_csv(tmp_path / f"part-{at}.csv")
    paths = [tmp_path / "many.parquet", tmp_path / "many.npy"]
    texts = [tmp_path / "many.csv", tmp_path / "part-*.csv", [tmp_path / "part-0.csv", tmp_path / "part-1.csv"]]
    # These names look like a row of numbers.
    for path in [*paths, *(unlike.Data(text, header=True) for text in texts)]:
        assert np.array_equal(detector.decision_function(path), detector.decision_function(many))
        assert np.array_equal(detector.p_values(path), detector.p_values(many))
        assert np.array_equal(detector.q_values(path), detector.q_values(many))
        assert np.array_equal(detector.select(path, fdr=0.2), detector.select(many, fdr=0.2))
        for name, values in detector.score_parts(many).items():
            assert np.array_equal(detector.score_parts(path)[name], values)
    assert np.array_equal(detector.explain(paths[0]).contributions, detector.explain(many).contributions)


def test_memory_does_not_grow_with_a_file(many, tmp_path: Path) -> None:
    unlike.PCA().fit(many[:2000]).save(tmp_path / "model")
    script = """
import resource, sys, numpy as np, unlike
detector = unlike.load(sys.argv[1])
def peak(path):
    scores = detector.decision_function(path)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - scores.nbytes // 1024
small = peak(sys.argv[2])
print(peak(sys.argv[3]) - small)
"""
    np.save(tmp_path / "small.npy", many)
    np.save(tmp_path / "large.npy", np.tile(many, (200, 1)))
    words = [str(tmp_path / name) for name in ("model", "small.npy", "large.npy")]
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, check=True)
    # Kilobytes, of a file of 192 MB.
    assert int(done.stdout) < 60_000


def test_rows_that_cannot_be_read_fail_or_are_skipped_or_flagged(command, many, tmp_path: Path) -> None:
    lines = [",".join(map(str, row)) for row in many[:18_000]]
    (tmp_path / "good.csv").write_text("\n".join(["a,b,c", *lines]))
    detector = unlike.PCA().fit(tmp_path / "good.csv")
    detector.save(tmp_path / "model")
    bad = {0: "1,many,3", 7: "1,2", 17_000: "1,,3", 18_003: "x,y,z"}
    for at, line in bad.items():
        lines.insert(at, line)
    path = tmp_path / "bad.csv"
    path.write_text("\n".join(["a,b,c", *lines]))
    with pytest.raises(unlike.InputError, match="row [29]"):
        detector.predict(path)

    good = detector.decision_function(tmp_path / "good.csv")
    with pytest.warns(unlike.NoteWarning, match="4 rows of 18,004"):
        assert np.array_equal(detector.decision_function(unlike.Data(path, bad_rows="skip")), good)

    flagging = unlike.Data(path, bad_rows="flag")
    scores = detector.decision_function(flagging)
    is_bad = np.isin(np.arange(18_004), list(bad))
    assert np.array_equal(np.isnan(scores), is_bad) and np.array_equal(scores[~is_bad], good)
    assert np.array_equal(np.isnan(detector.p_values(flagging)), is_bad)
    flags, sure = detector.predict(flagging, return_confidence=True)
    assert (flags[is_bad] == 1).all() and (sure[is_bad] == 1).all()
    assert detector.select(flagging, budget=3)[is_bad].all()
    assert detector.select(flagging, budget=3).sum() == 3 + 4
    explained = detector.explain(flagging)
    assert explained[7] == [] and np.isnan(explained.contributions[7]).all() and len(explained) == 18_004

    theirs = told_by(command, tmp_path, "model", "bad.csv", "--bad-rows", "flag")
    ours = detector.score_table(flagging, false_alarms=0.01)
    assert polars.DataFrame(ours).equals(theirs)
    assert ours["reason"][7] == theirs["reason"][7] and ours["reason"][8] is None


def test_a_table_of_scores_is_the_command_lines(command, mixed, normals, tmp_path: Path) -> None:
    np.save(tmp_path / "normals.npy", normals)
    np.save(tmp_path / "mixed.npy", mixed[0])
    detector = unlike.EGBAD(epochs=2).fit(normals)
    detector.save(tmp_path / "model")
    for words, arguments in [
        (["--false-alarms", "0.05"], {"false_alarms": 0.05}),
        (["--fdr", "0.1"], {"fdr": 0.1}),
        (["--budget", "4"], {"budget": 4}),
        (["--threshold", str(detector.threshold_)], {}),
    ]:
        theirs = told_by(command, tmp_path, "model", "mixed.npy", *words)
        table = detector.score_table(tmp_path / "mixed.npy", **arguments)
        assert polars.DataFrame(table).equals(theirs)
        of_array = polars.DataFrame(detector.score_table(mixed[0], **arguments))
        assert of_array.drop("id").equals(theirs.drop("id"))
        # More than once, and to whoever reads Arrow.
        assert np.array_equal(polars.DataFrame(table)["score"], table["score"])
        assert table["anomalous"].dtype == bool and table["id"][0] == theirs["id"][0]
    assert table.columns == theirs.columns and len(table) == 30
    assert "30 scores" in table._repr_html_()
    with pytest.raises(KeyError, match="colour"):
        table["colour"]
    with pytest.raises(unlike.SettingError, match="2 of `fdr`"):
        detector.score_table(mixed[0], fdr=0.1, budget=2)


def test_p_values_are_those_of_the_own_group(command, tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    frame = pd.DataFrame(rng.normal(size=(2000, 2)), columns=["a", "b"])
    frame["site"] = rng.choice(["north", "south"], 2000)
    frame.loc[frame["site"] == "south", ["a", "b"]] *= 3
    frame.to_csv(tmp_path / "rows.csv", index=False)
    command("train", "rows.csv", "--model", "pca", "--calibrate-by", "site", "--out", "run")
    theirs = told_by(command, tmp_path, "run", "rows.csv")
    detector = unlike.load(tmp_path / "run")
    for X in (tmp_path / "rows.csv", frame):
        table = polars.DataFrame(detector.score_table(X, false_alarms=0.01))
        assert table.select(TABLE).equals(theirs.select(TABLE))
        assert np.array_equal(detector.p_values(X), theirs["p_value"])


def test_dates_of_frames_are_those_of_files(tmp_path: Path) -> None:
    rng = np.random.default_rng(9)
    start = pd.Timestamp("1969-11-30 22:00:00")
    when = start + pd.to_timedelta(rng.integers(0, 10**15, 400), unit="us")
    frame = pd.DataFrame({"x": rng.normal(size=400), "when": when, "y": rng.normal(size=400)})
    frame["day"] = frame["when"].dt.normalize()
    frame.loc[5, "when"] = pd.NaT
    path = tmp_path / "rows.csv"
    frame.to_csv(path, index=False)

    with pytest.warns(unlike.NoteWarning, match="column `when` holds dates and becomes `when \\(hour\\)`"):
        of_frame = unlike.IForest().fit(frame)
    of_file = unlike.IForest().fit(path)
    assert np.array_equal(of_frame.decision_scores_, of_file.decision_scores_)
    columns = [column["name"] for column in json.loads(of_frame.model_.about())["input"]["columns"]]
    parts = ["when (hour)", "when (weekday)", "when (month)"]
    assert columns == ["x", *parts, "y", "day (weekday)", "day (month)"]

    local = frame.assign(when=frame["when"].dt.tz_localize("Asia/Kathmandu"))
    objects = frame.assign(day=frame["day"].dt.date.astype(object))
    seconds = frame.assign(day=frame["day"].astype("datetime64[s]"))
    in_arrow = polars.from_pandas(frame).with_columns(polars.col("day").cast(polars.Date))
    for same in (path, frame, local, objects, seconds, in_arrow):
        assert np.array_equal(of_frame.decision_function(same), of_file.decision_scores_)
        assert np.array_equal(of_file.decision_function(same), of_file.decision_scores_)
    moved = in_arrow.with_columns(polars.col("when").dt.replace_time_zone("Europe/Berlin", non_existent="null"))
    with pytest.raises(unlike.InputError, match="column `when` holds times in the time zone Europe/Berlin"):
        of_frame.decision_function(moved)

    for dates in ("elapsed", ["hour", "elapsed"], "none"):
        ours = unlike.IForest().fit(unlike.Data(frame, dates=dates))
        theirs = unlike.IForest().fit(unlike.Data(path, dates=dates))
        assert np.array_equal(ours.decision_scores_, theirs.decision_scores_)
    with pytest.raises(unlike.SettingError, match="`dates` is `century`"):
        unlike.IForest().fit(unlike.Data(frame, dates="century"))
    with pytest.raises(unlike.SettingError, match="`dates` is given with an array"):
        unlike.Data(np.zeros((3, 2)), dates="hour")
    lasting = frame.assign(took=datetime.timedelta(seconds=3))
    with pytest.raises(unlike.InputError, match="column `took` holds durations"):
        unlike.IForest().fit(lasting)


@pytest.mark.parametrize("spelling", [("TRUE", "FALSE"), ("yes", "no"), ("T", "F"), ("1", "0")])
def test_truth_is_spelled_as_the_model_knows_it(spelling, tmp_path: Path) -> None:
    rng = np.random.default_rng(10)
    frame = pd.DataFrame({"x": rng.normal(size=300), "secure": rng.random(300) < 0.7})
    told = frame.assign(secure=np.where(frame["secure"], *spelling))
    told.to_csv(tmp_path / "told.csv", index=False)
    data = unlike.Data(tmp_path / "told.csv", category_columns="secure")
    detector = unlike.IForest().fit(data)
    for same in (frame, polars.from_pandas(frame)):
        assert np.array_equal(detector.decision_function(same), detector.decision_scores_)


def test_no_more_rows_train_than_asked_for(command, many, tmp_path: Path) -> None:
    np.save(tmp_path / "many.npy", many)
    words = ["--model", "pca", "--seed", "3", "--max-training-rows", "900"]
    command("train", "many.npy", *words, "--out", "run")
    with pytest.warns(unlike.NoteWarning, match="900 of 40,000 rows drawn.*`max_training_rows`"):
        detector = unlike.PCA(seed=3).fit(unlike.Data(tmp_path / "many.npy", max_training_rows=900))
    assert len(detector.decision_scores_) == 900
    theirs = unlike.load(tmp_path / "run")
    assert np.array_equal(theirs.decision_function(many), detector.decision_function(many))
    with pytest.raises(unlike.SettingError, match="`max_training_rows` is `0`"):
        unlike.PCA().fit(unlike.Data(tmp_path / "many.npy", max_training_rows=0))
