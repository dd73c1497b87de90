"""How the package behaves beside the numbers: threads, Ctrl-C, progress, memory."""

from __future__ import annotations

import _thread
import importlib
import io
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import unlike

from conftest import fitted


def test_threads_that_share_a_detector_agree_with_one(normals) -> None:
    for cls in (unlike.EGBAD, unlike.AnoGAN, unlike.KNN):
        detector = fitted(cls, normals)
        alone = detector.decision_function(normals)
        with ThreadPoolExecutor(8) as pool:
            for scores in pool.map(detector.decision_function, [normals] * 16):
                assert np.array_equal(scores, alone)


def test_python_runs_on_while_a_model_trains(normals) -> None:
    counted = []
    done = threading.Event()

    def count() -> None:
        while not done.wait(0.001):
            counted.append(1)

    beside = threading.Thread(target=count)
    beside.start()
    unlike.EGBAD(epochs=60).fit(normals)
    seen = len(counted)
    done.set()
    beside.join()
    assert seen > 10


def test_ctrl_c_keeps_the_best_model_so_far(normals) -> None:
    epochs = []

    def interrupt(report: dict[str, object]) -> None:
        epochs.append(report["epoch"])
        if len(epochs) == 5:
            # What the handler of Ctrl-C does.
            _thread.interrupt_main()

    detector = unlike.EGBAD(epochs=1_000_000, schedule="constant", progress=interrupt)
    with pytest.raises(KeyboardInterrupt, match="is kept"):
        detector.fit(normals)
    assert len(epochs) < 1_000_000
    assert np.isfinite(detector.decision_function(normals)).all()
    assert not hasattr(detector, "decision_scores_")
    provenance = unlike.Report(detector.model_.report(None, None, 0.0)[0])
    assert "EGBAD" in provenance.markdown()


def test_ctrl_c_before_there_is_a_model_says_so(normals) -> None:
    def interrupt(report: dict[str, object]) -> None:
        _thread.interrupt_main()

    # f-AnoGAN's encoder trains last, and nothing scores before.
    detector = unlike.FAnoGAN(epochs=1000, progress=interrupt)
    with pytest.raises(KeyboardInterrupt) as stopped:
        detector.fit(normals)
    assert "not all of its networks have begun" in str(stopped.value.__cause__)
    assert not hasattr(detector, "model_")


def test_ctrl_c_ends_work_that_nobody_can_stop(normals) -> None:
    detector = fitted(unlike.KNN, normals)
    many = np.tile(normals, (2000, 1))
    timer = threading.Timer(0.3, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        while True:
            detector.decision_function(many)
    timer.join()


def test_a_function_hears_of_epochs_and_may_end_the_training(normals) -> None:
    heard = []

    def hear(report: dict[str, object]) -> bool:
        heard.append(report)
        return len(heard) == 3

    detector = unlike.GANomaly(epochs=50, progress=hear).fit(normals)
    assert [report["epoch"] for report in heard] == [1, 2, 3]
    assert {"losses", "held_out", "best_so_far", "samples_per_second"} <= set(heard[0])
    assert np.isfinite(detector.decision_scores_).all()

    def fail(report: dict[str, object]) -> None:
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        unlike.GANomaly(epochs=50, progress=fail).fit(normals)


def test_nothing_is_written_where_nobody_looks(normals, capfd) -> None:
    fitted(unlike.EGBAD, normals).predict(normals)
    assert capfd.readouterr() == ("", "")


def test_a_terminal_sees_a_bar(normals, monkeypatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    for progress, shown in ((None, True), (False, False)):
        terminal = Terminal()
        monkeypatch.setattr(sys, "stderr", terminal)
        unlike.EGBAD(epochs=150, progress=progress).fit(normals)
        assert ("of 150" in terminal.getvalue()) is shown
        assert not terminal.getvalue() or terminal.getvalue().endswith("\r")


def test_notes_are_warnings_of_their_own_kind(normals) -> None:
    constant = np.hstack([normals[:50], np.ones((50, 1))])
    with pytest.warns(unlike.NoteWarning) as told:
        unlike.PCA().fit(constant)
    texts = [str(note.message) for note in told]
    assert "1 column with one value only in training: `6`" in texts
    assert any("the smallest that they can promise" in text for text in texts)
    assert {note.filename for note in told} == {__file__}, "they name the user's own line"


def test_the_number_of_threads_changes_no_bit() -> None:
    script = """
import sys, hashlib, numpy as np, unlike, warnings
warnings.simplefilter("ignore")
unlike.set_threads(int(sys.argv[1]))
X = np.random.default_rng(0).normal(size=(400, 6))
detector = unlike.EGBAD(epochs=3).fit(X)
print(hashlib.sha256(detector.to_bytes() + detector.decision_scores_.tobytes()).hexdigest())
"""
    digests = {
        subprocess.run([sys.executable, "-c", script, str(n)], capture_output=True, check=True).stdout
        for n in (1, 2, 5)
    }
    assert len(digests) == 1


def test_fits_and_scores_leak_nothing(normals) -> None:
    resource = pytest.importorskip("resource")

    def cycles(count: int) -> int:
        for _ in range(count):
            unlike.PCA().fit(normals).predict(normals)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    before = cycles(50)
    # Kilobytes: a leak of the 24 kB of the samples alone would be 12,000.
    assert cycles(500) - before < 10_000


@pytest.mark.parametrize("engine", ["ray", "spark"])
def test_an_engine_that_is_not_installed_is_named(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("ray", "pyspark", "pyarrow"):
        monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"unlike.{engine}", raising=False)
    with pytest.raises(unlike.MissingPackageError, match=rf'pip install "unlike\[{engine}\]"') as raised:
        importlib.import_module(f"unlike.{engine}")
    assert isinstance(raised.value, ImportError)
