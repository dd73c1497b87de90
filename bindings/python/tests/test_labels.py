"""Labels are what they say, or are refused by their place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import unlike


def all_forms(y: np.ndarray) -> list[object]:
    """Labels as people have them."""
    return [
        y,
        y.tolist(),
        tuple(y.tolist()),
        y == 1,
        y.astype(float),
        y.astype(np.uint8),
        y.reshape(-1, 1),
        y.astype(object),
        [bool(label) for label in y],
        pd.Series(y, index=range(100, 100 + len(y))),
        pd.Series(y == 1),
        pd.Series(y == 1, dtype="boolean"),
        pd.Series(y, dtype="Int64"),
        pd.DataFrame({"label": y}),
    ]


def test_labels_count_alike_in_every_form(normals, mixed) -> None:
    X, y = mixed
    detector = unlike.KNN().fit(normals)
    told = {detector.report(X, form).metrics["auroc"] for form in all_forms(y)}
    assert told == {1.0}
    assert len({unlike.KNN().fit_predict_score(X, form) for form in all_forms(y)}) == 1


@pytest.mark.parametrize(
    ("at", "label", "message"),
    [
        (7, np.nan, r"no label at position 7: nan; expected 0 for normal and 1 for anomalous, or booleans"),
        (7, None, r"no label at position 7: None"),
        (7, pd.NA, r"no label at position 7: <NA>"),
        (7, 2, r"`y` is 2(\.0)? at position 7; .*\nhint: .*y != 0"),
        (7, -1, r"`y` is -1(\.0)? at position 7"),
        (0, "normal", r"`y` holds texts, 'normal' at position 0; .*\nhint: .*y == \"anomaly\""),
    ],
)
def test_a_label_that_says_neither_is_named(normals, mixed, at, label, message) -> None:
    X, y = mixed
    labels = [int(one) for one in y]
    labels[at] = label
    forms: list[object] = [labels, np.array(labels, dtype=object), pd.Series(labels, dtype=object)]
    if isinstance(label, float):
        forms += [np.array(labels), pd.Series(labels)]
    detector = unlike.KNN().fit(normals)
    for form in forms:
        with pytest.raises(unlike.InputError, match=message):
            detector.report(X, form)
        with pytest.raises(unlike.InputError, match=message):
            unlike.KNN().fit_predict_score(X, form)


def test_nullable_labels_may_not_be_missing(normals, mixed) -> None:
    X, y = mixed
    detector = unlike.KNN().fit(normals)
    for dtype in ("boolean", "Int64"):
        labels = pd.Series(y, dtype="Int64").astype(dtype)
        labels[3] = pd.NA
        with pytest.raises(unlike.InputError, match="no label at position 3"):
            detector.report(X, labels)


def test_other_pairs_of_labels_are_refused_with_what_they_should_be(normals, mixed) -> None:
    X, y = mixed
    detector = unlike.KNN().fit(normals)
    for labels, hint in (
        (1 - 2 * y, "give y == -1"),
        (1 + y, "give y == 2"),
        (y * 5, "as in y != 0"),
        (np.where(y == 1, "bad", "good"), "as in y == \"anomaly\""),
    ):
        with pytest.raises(unlike.InputError, match=hint):
            detector.report(X, labels)
    assert detector.report(X, 1 - 2 * y == -1).metrics["auroc"] == 1.0
    for labels, message in (
        (y[:5], "`y` has 5 labels; expected 30, one per row"),
        (np.stack([y, y]), "`y` has 2 dimensions"),
        (3, "`y` is no list of labels"),
        (object(), "`y` is no list of labels"),
    ):
        with pytest.raises(unlike.InputError, match=message):
            detector.report(X, labels)


def test_labels_go_with_samples(normals) -> None:
    with pytest.raises(unlike.InputError, match="`y` is given without `X`"):
        unlike.PCA().fit(normals).report(y=[0, 1])


def test_rows_that_cannot_be_read_have_labels_that_do_not_count(normals, mixed, tmp_path: Path) -> None:
    X, y = mixed
    path = tmp_path / "rows.csv"
    lines = [",".join(map(str, row)) for row in X]
    lines[4] = "damaged," + lines[4]
    lines[25] = "damaged"
    path.write_text("\n".join(["a,b,c,d,e", *lines]) + "\n")
    detector = unlike.KNN().fit(pd.DataFrame(normals, columns=list("abcde")))
    flagged = unlike.Data(path, bad_rows="flag")
    assert np.flatnonzero(np.isnan(detector.decision_function(flagged))).tolist() == [4, 25]
    kept = np.delete(np.arange(30), [4, 25])
    expected = detector.report(pd.DataFrame(X[kept], columns=list("abcde")), y[kept]).metrics
    assert detector.report(flagged, y).metrics == expected
    # Of rows that are left out, nobody has scores, nor asks for labels.
    assert detector.report(unlike.Data(path, bad_rows="skip"), y[kept]).metrics == expected
    with pytest.raises(unlike.InputError, match="`y` has 28 labels; expected 30"):
        detector.report(flagged, y[kept])
