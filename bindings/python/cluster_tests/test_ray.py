"""Ray does what one process does, and lives through the death of a worker."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas
import pyarrow
import pytest
import ray
import unlike
import unlike.ray

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
from png import write_png  # noqa: E402

# Ray's own.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning")


@pytest.fixture(scope="module", autouse=True)
def cluster():
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=200 << 20)
    yield
    ray.shutdown()


@pytest.fixture
def dataset(table):
    """Of many blocks, so that there is work for every worker at any time."""
    return ray.data.from_arrow([table.slice(at, 2_000) for at in range(0, len(table), 2_000)])


def collected(dataset) -> pyarrow.Table:
    return pyarrow.concat_tables(ray.get(dataset.to_arrow_refs()))


def test_two_workers_score_as_one_process_does(dataset, detector, same) -> None:
    same(collected(unlike.ray.score(dataset, detector, actors=2, batch_size=1_000)))


def test_counted_p_values_tell_a_false_discovery_rate(detector, rows) -> None:
    # As docs/scale.md says.
    odd = rows[-6_000:].copy()
    odd[::100] *= 8
    dataset = ray.data.from_pandas(pandas.DataFrame(odd, columns=list("12345")))
    scored = unlike.ray.score(dataset, detector, actors=1).materialize()
    counts = scored.groupby("p_value").count().to_pandas().set_index("p_value")["count()"].sort_index()
    limit = counts.index[counts.index <= 0.1 * counts.cumsum() / counts.sum()].max()
    selected = scored.filter(expr=f"p_value <= {limit!r}")
    assert 30 < selected.count() == detector.select(odd, fdr=0.1).sum()


def test_the_death_of_a_worker_changes_nothing(dataset, detector, same, killing_a_worker) -> None:
    with killing_a_worker() as killed:
        scored = collected(unlike.ray.score(dataset, detector, actors=2, batch_size=1_000))
    assert killed
    same(scored)


def test_model_files_score_at_their_own_threshold(dataset, detector, same, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    detector.save(path)
    same(collected(unlike.ray.score(dataset, path, num_cpus=0.5)))


def test_what_does_not_fit_is_told(dataset, detector) -> None:
    with pytest.raises(unlike.InputError, match='have a column `score` already.*\n.*prefix="unlike_"'):
        unlike.ray.score(unlike.ray.score(dataset, detector, actors=2).materialize(), detector)
    with pytest.raises(unlike.SettingError, match="`actors` is 0"):
        unlike.ray.score(dataset, detector, actors=0)
    with pytest.raises(unlike.NotFittedError):
        unlike.ray.score(dataset, unlike.KNN())
    with pytest.raises(ray.exceptions.RayTaskError) as raised:
        unlike.ray.score(dataset.rename_columns({"1": "one"}), detector).materialize()
    assert "no column `1`" in str(raised.value.__cause__ or raised.value)


def test_images_are_arrays_or_paths(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    images = rng.integers(0, 255, size=(40, 16, 16, 1)).astype(np.uint8)
    paths = []
    for at, image in enumerate(images):
        write_png(tmp_path / f"{at:02}.png", image[:, :, 0])
        paths.append(str(tmp_path / f"{at:02}.png"))
    detector = unlike.PCA().fit(images)
    expected = detector.decision_function(images)
    for column in (images, np.array(paths)):
        dataset = ray.data.from_items([{"n": n, "image": image} for n, image in enumerate(column)])
        scored = unlike.ray.score(dataset, detector, actors=1, prefix="u_").take_all()
        assert [row["n"] for row in scored] == list(range(40))
        assert np.array_equal([row["u_score"] for row in scored], expected)
    with pytest.raises(ray.exceptions.RayTaskError) as raised:
        unlike.ray.score(dataset, detector, actors=1, image_column="photo").materialize()
    assert "no column `photo`" in str(raised.value.__cause__ or raised.value)


def test_many_trainings_are_those_of_one_process(rows) -> None:
    work = [unlike.EGBAD(epochs=2, seed=seed) for seed in (0, 1)]
    work.append(unlike.PCA(progress=True))
    fitted = unlike.ray.fit_many([(detector, rows[:400]) for detector in work])
    for detector, result in zip(work, fitted):
        assert result.get_params() == detector.get_params() and not hasattr(detector, "model_")
        assert result.to_bytes() == detector.set_params(progress=False).fit(rows[:400]).to_bytes()
        assert np.array_equal(result.decision_scores_, detector.decision_scores_)
    with pytest.raises(unlike.InputError, match="normal samples: 2"):
        unlike.ray.fit_many([(unlike.PCA(), rows[:2])])


def test_a_sweep_on_the_cluster_is_that_of_one_machine(rows, tmp_path: Path) -> None:
    detectors, data = {"pca": unlike.PCA(), "knn": unlike.KNN()}, {"rows": rows[:500], "few": rows[:3]}
    there = unlike.sweep(detectors, data, tmp_path / "there", on="ray")
    here = unlike.sweep(detectors, data, tmp_path / "here")
    for ours, theirs in zip(here.rows, there.rows):
        assert {**ours, "seconds": 0} == {**theirs, "seconds": 0}
        if ours["error"] is None:
            name = (ours["data"], ours["detector"], ours["seed"])
            assert here.detector(*name).to_bytes() == there.detector(*name).to_bytes()
    assert there.rows[2]["error"] is not None
