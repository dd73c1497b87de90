"""A bar that shows a training to those who look at a terminal or a notebook, and to nobody else."""

from __future__ import annotations

import sys
from typing import Any


def wanted(progress: object) -> bool:
    """Whether a bar is shown: as was said, or else where somebody can see it."""
    if isinstance(progress, bool):
        return progress
    return sys.stderr is not None and (sys.stderr.isatty() or _in_notebook())


def _in_notebook() -> bool:
    shell = sys.modules.get("IPython")
    if shell is None:
        return False
    return type(shell.get_ipython()).__name__ == "ZMQInteractiveShell"


class Bar:
    """One line, written again and again: by tqdm where that is installed, which draws well in notebooks."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._done = 0
        self._shown = ""
        self._tqdm: Any = None

    def show(self, where: dict[str, int]) -> None:
        """Shows where a training is: ``epoch`` and ``step`` from 1, of ``epochs`` and ``steps_per_epoch``."""
        total = where["epochs"] * where["steps_per_epoch"]
        if total == 0:
            return
        done = max(where["epoch"] - 1, 0) * where["steps_per_epoch"] + where["step"]
        if self._tqdm is None and not self._shown:
            self._tqdm = self._with_tqdm(total)
        if self._tqdm is not None:
            self._tqdm.update(done - self._done)
            self._done = done
            return
        filled = 30 * done // total
        self._write(f"{self._title} [{'#' * filled:<30}] epoch {where['epoch']} of {where['epochs']}")

    def close(self) -> None:
        """Takes the line away."""
        if self._tqdm is not None:
            self._tqdm.close()
        elif self._shown:
            self._write(" " * len(self._shown))
            sys.stderr.write("\r")
            sys.stderr.flush()

    def _with_tqdm(self, total: int) -> Any:
        try:
            from tqdm.auto import tqdm
        except ImportError:
            return None
        return tqdm(total=total, desc=self._title, unit="step", leave=False)

    def _write(self, text: str) -> None:
        sys.stderr.write("\r" + text)
        sys.stderr.flush()
        self._shown = text
