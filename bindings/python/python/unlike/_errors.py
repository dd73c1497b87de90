"""What can go wrong, as exceptions; and how notes are given."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterable


class Error(Exception):
    """The base of all errors of this package.

    ``message`` says what was found, where, and what was expected; ``hint``, if there is one, what to do next.
    """

    message: str
    hint: str | None

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message if hint is None else f"{message}\nhint: {hint}")
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[type[Error], tuple[str, str | None]]:
        return type(self), (self.message, self.hint)


class InputError(Error, ValueError):
    """Samples, files of data or model files are not what they should be, or too few."""


class SettingError(Error, ValueError):
    """An argument is outside its range."""


class NotOfferedError(SettingError, NotImplementedError):
    """An argument asks for what there is not."""


class TrainingError(Error, ArithmeticError):
    """Training or scoring left the numbers that a computer can hold, or ran away."""


class FileError(Error, OSError):
    """The operating system refused to read or write."""


class NotFittedError(Error, ValueError, AttributeError):
    """A detector was asked before it was fitted."""


class MissingPackageError(Error, ImportError):
    """A package that is only needed for a part of this one is not installed."""


class NoteWarning(UserWarning):
    """Something worth knowing that is no error: about data, a training or a decision."""


def note(notes: Iterable[str]) -> None:
    """Gives notes as warnings of the user's own line."""
    for text in notes:
        warnings.warn(text, NoteWarning, stacklevel=_outside())


def _outside() -> int:
    """How far up the stack the user's own code is."""
    frame, level = inspect.currentframe(), 0
    while frame is not None and frame.f_globals.get("__name__", "").split(".")[0] == __name__.split(".")[0]:
        frame, level = frame.f_back, level + 1
    return max(level, 1)
