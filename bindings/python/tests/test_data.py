"""What X may be, and what is made of it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import unlike
from unlike import _data

from conftest import fitted
from png import write_png


@pytest.fixture
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    return pd.DataFrame(
        {
            "bytes": rng.integers(0, 1000, 300),
            "rate": rng.normal(size=300).astype(np.float32),
            "protocol": rng.choice(["udp", "tcp", "icmp"], 300),
            "secure": rng.random(300) < 0.8,
            "level": pd.Categorical(rng.choice(["low", "high"], 300), categories=["no", "low", "high"]),
            "maybe": pd.array(np.where(rng.random(300) < 0.1, None, 3), dtype="Int64"),
        }
    )


def unaligned(X: np.ndarray) -> np.ndarray:
    """The same numbers, each a byte off where a processor likes to read them."""
    moved = np.frombuffer(b" " + X.tobytes(), dtype=X.dtype, offset=1, count=X.size).reshape(X.shape)
    assert not moved.flags.aligned
    return moved


def columns_of(detector: unlike.Detector) -> dict[str, str]:
    about = json.loads(detector.model_.about())
    return {column["name"]: column["kind"] for column in about["input"]["columns"]}


def test_rows_score_the_same_however_they_lie_in_memory(normals) -> None:
    detector = unlike.KNN().fit(normals)
    scores = detector.decision_function(normals)
    for same in (
        np.asfortranarray(normals),
        np.repeat(normals, 2, axis=0)[::2],
        normals[::-1].copy()[::-1],
        unaligned(normals),
        normals.astype(normals.dtype.newbyteorder()),
        normals.tolist(),
        normals.astype(object),
        unlike.Data(normals),
    ):
        assert np.array_equal(detector.decision_function(same), scores)
    single = normals.astype(np.float32)
    wide = detector.decision_function(single.astype(np.float64))
    assert np.array_equal(detector.decision_function(single), wide)
    whole = np.array([[1, 2], [3, 4]] * 50)
    counted = unlike.KNN().fit(whole)
    assert np.array_equal(counted.decision_function(whole), counted.decision_function(whole.astype(float)))
    assert unlike.KNN().fit(whole > 2).n_features_in_ == 2


def test_a_score_does_not_depend_on_its_piece(normals, images, monkeypatch) -> None:
    rows, pictures = unlike.PCA().fit(normals), unlike.PCA(features="pixels").fit(images)
    whole = rows.decision_function(normals), pictures.decision_function(images)
    maps, parts = pictures.anomaly_map(images), rows.score_parts(normals)
    monkeypatch.setattr(_data, "PIECE", 1000)
    assert np.array_equal(rows.decision_function(normals), whole[0])
    assert np.array_equal(pictures.decision_function(images), whole[1])
    assert np.array_equal(pictures.anomaly_map(images), maps)
    assert all(np.array_equal(rows.score_parts(normals)[name], parts[name]) for name in parts)
    assert len(rows.explain(normals)) == 600
    bad = normals.copy()
    bad[577, 3] = np.inf
    with pytest.raises(unlike.InputError, match="row 577, column `4`: inf; expected a finite number"):
        rows.decision_function(bad)


def test_no_rows_have_no_scores(normals) -> None:
    detector = unlike.KNN().fit(normals)
    assert detector.decision_function(normals[:0]).shape == (0,)
    assert detector.predict(normals[:0]).shape == (0,)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros(5), "X has 1 dimension; expected 2"),
        (np.zeros((2, 2, 2, 2, 2)), "X has 5 dimensions"),
        (np.zeros((9, 8, 8, 3)), "X holds images of type float64; expected bytes"),
        (np.zeros((9, 8, 8, 2), dtype=np.uint8), "expected images"),
        (np.zeros((9, 2), dtype=complex), "X holds complex data"),
        (np.array([["a", "b"]] * 9), "X holds what is no number"),
        (np.array([["2020-01-01"]] * 9, dtype="datetime64[D]"), "X is of type datetime64"),
        ([[1, 2], [3]], "X is no array"),
        ([], "X has 1 dimension"),
        (object(), "X has 0 dimensions"),
        (np.zeros((9, 0)), "columns of X: none"),
        (np.full((99, 2), np.nan), 'row 0, column `1`: NaN; expected a finite number\nhint: if NaN'),
        (np.full((99, 2), -np.inf), "row 0, column `1`: -inf"),
        ("no-such-file.csv", "cannot read `no-such-file.csv`"),
        (["no-such.png", "other.png"], "no-such.png"),
    ],
)
def test_what_cannot_be_read_is_named(X, message) -> None:
    with pytest.raises(unlike.Error) as refused:
        unlike.PCA().fit(X)
    assert message in str(refused.value)


def test_a_model_names_what_does_not_fit_it(normals, images) -> None:
    detector = unlike.PCA().fit(normals)
    with pytest.raises(unlike.InputError, match="no columns `4`, `5`"):
        detector.predict(normals[:, :3])
    with pytest.raises(unlike.InputError):
        detector.predict(images)
    with pytest.warns(unlike.NoteWarning, match="6"):
        detector.predict(np.hstack([normals, normals[:, :1]]))


def test_nan_is_a_missing_value_where_that_is_said(normals) -> None:
    gaps = normals.copy()
    gaps[::7, 1] = np.nan
    said = unlike.Data(gaps, missing="NaN")
    detector = unlike.IForest().fit(said)
    assert np.isfinite(detector.decision_function(said)).all()
    # As in a frame.
    frame = pd.DataFrame(gaps, columns=list("12345"))
    assert np.array_equal(unlike.IForest().fit(frame).decision_function(frame), detector.decision_scores_)


def test_that_nan_is_missing_is_remembered(normals) -> None:
    gaps = normals.copy()
    gaps[::7, 1] = np.nan
    detector = unlike.IForest().fit(unlike.Data(gaps, missing="NaN"))
    assert np.array_equal(detector.decision_function(gaps), detector.decision_scores_)
    assert detector.predict(gaps.astype(np.float32)).shape == (600,)
    with pytest.raises(unlike.InputError, match="NaN; expected a finite number"):
        unlike.IForest().fit(normals).decision_function(gaps)


def test_a_frame_keeps_its_columns_and_categories(frame) -> None:
    detector = fitted(unlike.EGBAD, frame)
    assert columns_of(detector) == {
        "bytes": "number",
        "rate": "number",
        "protocol": "category",
        "secure": "category",
        "level": "category",
        "maybe": "number",
    }
    scores = detector.decision_function(frame)
    assert np.array_equal(detector.decision_function(frame[frame.columns[::-1]]), scores)
    as_texts = frame.astype({"bytes": str, "level": str})
    assert np.array_equal(detector.decision_function(as_texts), scores)
    with pytest.raises(unlike.InputError, match="row 0, column `bytes`: the text `many`; expected a number"):
        detector.decision_function(frame.assign(bytes="many"))
    with pytest.warns(unlike.NoteWarning, match="sctp"):
        detector.decision_function(frame.assign(protocol="sctp"))


def test_columns_can_be_left_out_or_be_categories(frame) -> None:
    data = unlike.Data(frame, drop_columns=["rate", "level"], category_columns="bytes")
    detector = unlike.KNN().fit(data)
    assert columns_of(detector) == {
        "bytes": "category",
        "protocol": "category",
        "secure": "category",
        "maybe": "number",
    }
    with pytest.raises(unlike.SettingError, match="`drop_columns` is `speed`; expected some of the columns bytes"):
        unlike.KNN().fit(unlike.Data(frame, drop_columns="speed"))
    array = unlike.Data(np.ones((50, 2)), columns=["a", "b"], category_columns=["b"])
    assert columns_of(unlike.KNN().fit(array)) == {"a": "number", "b": "category"}
    with pytest.raises(unlike.InputError, match="2 columns and 1 names"):
        unlike.KNN().fit(unlike.Data(np.ones((50, 2)), columns=["a"]))


def test_what_a_frame_holds_beside_numbers_and_texts_is_named(frame) -> None:
    dates = unlike.Data(frame.assign(when=pd.Timestamp("2020-01-01")), category_columns="when")
    with pytest.raises(unlike.InputError, match="column `when` holds dates, which are neither"):
        unlike.KNN().fit(dates)
    lists = frame.assign(things=[[1]] * len(frame))
    with pytest.raises(unlike.InputError, match="column `things` holds"):
        unlike.KNN().fit(lists)
    twice = pd.concat([frame, frame[["rate"]]], axis=1)
    with pytest.raises(unlike.InputError, match="two columns named `rate`"):
        unlike.KNN().fit(twice)


def test_frames_in_arrows_form_are_read_as_pandas_are(frame) -> None:
    polars = pytest.importorskip("polars")
    told = {name: frame[name].tolist() for name in ("bytes", "rate", "protocol", "secure")}
    told["level"] = frame["level"].astype(str).tolist()
    told["maybe"] = [None if pd.isna(v) else int(v) for v in frame["maybe"]]
    same = polars.DataFrame(told).with_columns(
        polars.col("level").cast(polars.Categorical), polars.col("rate").cast(polars.Float32)
    )
    detector = unlike.KNN().fit(frame)
    from_arrow = unlike.KNN().fit(same)
    assert columns_of(from_arrow) == columns_of(detector)
    assert np.array_equal(from_arrow.decision_scores_, detector.decision_scores_)
    assert np.array_equal(detector.decision_function(same), detector.decision_scores_)
    with pytest.raises(unlike.InputError, match="column `things` holds values of Arrow's type"):
        detector.decision_function(same.with_columns(things=polars.Series([[1]] * 300)))
    with pytest.raises(unlike.SettingError, match="`drop_columns` is `speed`"):
        unlike.KNN().fit(unlike.Data(same, drop_columns=["speed"]))
    dropped = unlike.KNN().fit(unlike.Data(same, drop_columns=["rate"]))
    assert "rate" not in columns_of(dropped)


def test_a_column_without_values_has_no_type_and_is_missing(normals) -> None:
    polars = pytest.importorskip("polars")
    frame = pd.DataFrame(normals, columns=list("abcde"))
    frame["kind"] = np.where(frame["a"] > 0, "x", "y")
    frame["when"] = pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(len(frame)), unit="h")
    frame.loc[::50, ["b", "kind", "when"]] = None
    detector = unlike.IForest().fit(frame)
    few = frame.iloc[1:21]
    for name in ("b", "kind", "when"):
        gone = few.assign(**{name: pd.Series([None] * 20, dtype=object)})
        same = polars.DataFrame(few.drop(columns=name).to_dict("list")).with_columns(polars.Series(name, [None] * 20))
        assert same[name].dtype == polars.Null
        typed = few.assign(**{name: few[name].where(few[name].isna())})
        expected = detector.decision_function(typed)
        assert np.array_equal(detector.decision_function(gone), expected), name
        assert np.array_equal(detector.decision_function(same), expected), name
    empty = polars.DataFrame(frame[list("abcde")].to_dict("list")).with_columns(f=polars.lit(None))
    with_none = frame[list("abcde")].assign(f=pd.Series([None] * len(frame), dtype=object))
    assert columns_of(unlike.KNN().fit(empty)) == columns_of(unlike.KNN().fit(with_none))


def test_images_are_the_same_as_files_and_as_bytes(images, tmp_path: Path) -> None:
    paths = [tmp_path / f"{at:02}.png" for at in range(len(images))]
    for path, image in zip(paths, images):
        write_png(path, image[:, :, 0])
    detector = unlike.PCA(features="pixels").fit(images)
    assert detector.n_features_in_ == 256
    scores = detector.decision_scores_
    assert np.array_equal(detector.decision_function(images[..., 0]), scores)
    assert np.array_equal(detector.decision_function(tmp_path), scores)
    assert np.array_equal(detector.decision_function(paths[::-1]), scores[::-1])
    assert np.array_equal(detector.decision_function([str(paths[3])] * 2), scores[[3, 3]])
    listed = unlike.PCA(features="pixels").fit(paths)
    assert np.array_equal(listed.decision_scores_, scores)


def test_images_are_explained_by_maps(images) -> None:
    odd = images[:3].copy()
    odd[1, 1:4, 1:4] = 255
    detector = fitted(unlike.EGBAD, images, features="pixels")
    maps = detector.anomaly_map(odd)
    assert maps.shape == (3, 16, 16) and maps.min() >= 0
    assert maps[1, 1:4, 1:4].mean() > maps[0, 1:4, 1:4].mean()
    rebuilt = detector.reconstruct(odd)
    assert rebuilt.shape == (3, 16, 16, 1) and np.abs(rebuilt).max() <= 1
    with pytest.raises(unlike.InputError, match="explanations by maps"):
        detector.explain(odd)
    with pytest.raises(unlike.InputError, match="reconstructs none"):
        unlike.IForest().fit(np.ones((50, 2))).reconstruct(np.ones((5, 2)))


def test_options_go_with_what_they_are_for(normals) -> None:
    for options in ({"format": "csv"}, {"header": True}, {"image_size": 32}):
        with pytest.raises(unlike.SettingError, match="expected a path with it"):
            unlike.Data(normals, **options)
    with pytest.raises(unlike.SettingError, match="expected an array with it"):
        unlike.Data("flows.csv", columns=["a"])
    with pytest.raises(unlike.SettingError, match="`format` is `tea`"):
        unlike.PCA().fit(unlike.Data("flows.csv", format="tea"))
    for options, message in (
        ({"image_size": (1, 2, 3)}, r"`image_size` is \(1, 2, 3\); expected a number of pixels, or width"),
        ({"drop_columns": 3}, "`drop_columns` is 3; expected a text"),
        ({"max_columns": object()}, "a setting is <object"),
    ):
        with pytest.raises(unlike.SettingError, match=message):
            unlike.PCA().fit(unlike.Data("flows.csv", **options))
    with pytest.raises(unlike.FileError):
        unlike.PCA().fit(unlike.Data("flows.csv", max_columns=np.int64(9), image_size=[9, 9], drop_columns=None))
    with pytest.raises(unlike.SettingError, match="`channels` is `four`"):
        unlike.PCA().fit(unlike.Data("images", channels="four"))


def test_a_first_row_is_data_or_names_as_was_said(normals, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["kind,colour", *["round,red", "square,blue", "round,blue"] * 20]) + "\n")
    named = unlike.KNN().fit(unlike.Data(path, header=True))
    unnamed = unlike.KNN().fit(unlike.Data(path, header=False))
    assert columns_of(named) == dict.fromkeys(["kind", "colour"], "category")
    assert columns_of(unnamed) == dict.fromkeys("12", "category")
    assert (len(named.decision_scores_), len(unnamed.decision_scores_)) == (60, 61)
    with pytest.raises(unlike.SettingError, match="`header` is given with samples in memory"):
        unlike.Data(normals, header=False)


def test_a_first_row_in_doubt_is_told_in_words_of_python(normals, tmp_path: Path) -> None:
    path = tmp_path / "years.csv"
    rows = np.round(normals * 100 + 2000).astype(int)
    path.write_text("\n".join(["2019,2020,2021,2022,2023", *(",".join(map(str, row)) for row in rows)]) + "\n")
    with pytest.warns(unlike.NoteWarning, match="the first row") as told:
        unlike.PCA().fit(path)
    texts = " ".join(str(each.message) for each in told)
    assert "`header=False`" in texts or "`header=True`" in texts
    assert "no_header" not in texts and "no-header" not in texts


def test_a_hint_gives_names_of_columns_as_texts(normals, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["a,b,c,d,e", *(",".join(map(str, row)) for row in normals)]) + "\n")
    with pytest.raises(unlike.InputError, match='say `category_columns="1"`'):
        unlike.PCA().fit(unlike.Data(path, header=False))


def test_images_that_cannot_be_read_are_told_of_by_every_method(images, tmp_path: Path) -> None:
    for at, image in enumerate(images[:20]):
        write_png(tmp_path / f"{at:02}.png", image[:, :, 0])
    detector = fitted(unlike.EGBAD, images, features="pixels")
    (tmp_path / "07.png").write_bytes(b"no image")
    data = unlike.Data(tmp_path, skip_unreadable=True)
    methods = ("decision_function", "predict", "p_values", "score_parts", "anomaly_map", "reconstruct", "embed")
    for method in methods:
        with pytest.warns(unlike.NoteWarning) as told:
            made = getattr(detector, method)(data)
        texts = [str(each.message) for each in told]
        assert sum("07.png" in text or "1 image" in text for text in texts) == 1, (method, texts)
        assert method == "score_parts" or len(made) == 19
    with pytest.warns(unlike.NoteWarning) as told:
        detector.report(data, np.arange(19) % 2)
    assert sum("07.png" in str(each.message) or "1 image" in str(each.message) for each in told) == 1


def test_many_rows_that_cannot_be_read_cost_no_more_than_others(normals, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    row = ",".join(map(str, normals[0]))
    path.write_text("\n".join(["a,b,c,d,e", *[row, "damaged"] * 20_000]) + "\n")
    detector = fitted(unlike.EGBAD, pd.DataFrame(normals, columns=list("abcde")))
    data = unlike.Data(path, bad_rows="flag")
    since = time.perf_counter()
    embedded, explained = detector.embed(data), detector.explain(data)
    assert time.perf_counter() - since < 60
    expected = np.arange(40_000) % 2 == 1
    assert np.array_equal(np.isnan(embedded).all(axis=1), expected)
    assert np.array_equal(np.isnan(explained.contributions).all(axis=1), expected)
    assert [not reasons for reasons in explained][1::2] == [True] * 20_000
    assert explained[0] == explained[39_998] and len(explained) == 40_000
