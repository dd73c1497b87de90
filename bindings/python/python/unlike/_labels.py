"""Labels as users have them: what is anomalous, and nothing that only looks like it."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
import numpy.typing as npt

from ._errors import InputError

_EXPECTED = "expected 0 for normal and 1 for anomalous, or booleans"


def anomalous(y: Any) -> npt.NDArray[np.bool_]:
    """Which of these labels, one per sample, say anomalous.

    Raises
    ------
    InputError
        If one is missing, or is neither 0 nor 1 nor a boolean.
    """
    if hasattr(y, "iloc") and y.ndim == 2 and y.shape[1] == 1:
        y = y.iloc[:, 0]
    try:
        # As they are: an array of pandas' own, of texts or of several types would be changed otherwise.
        labels = y if isinstance(y, np.ndarray) else np.asarray(y if hasattr(y, "__array__") else list(y), dtype=object)
    except (TypeError, ValueError) as error:
        raise InputError(f"`y` is no list of labels ({error}); {_EXPECTED}, one per sample") from error
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise InputError(f"`y` has {labels.ndim} dimensions; expected one label per sample")
    if labels.dtype == np.bool_:
        return labels
    told = np.zeros(len(labels), dtype=np.bool_)
    if labels.dtype.kind in "iuf":
        wrong = np.flatnonzero((labels != 0) & (labels != 1))
        told = labels == 1
    else:
        wrong = np.array([at for at, label in enumerate(labels) if not _is_label(label)], dtype=np.intp)
        if not wrong.size:
            told = np.array([bool(label) for label in labels], dtype=np.bool_)
    if wrong.size:
        raise _refused(labels, int(wrong[0]))
    return told


def _is_label(label: object) -> bool:
    return isinstance(label, (bool, np.bool_, numbers.Real)) and bool(label in (0, 1))


def _refused(labels: npt.NDArray[Any], at: int) -> InputError:
    label = labels[at]
    if isinstance(label, (str, bytes)):
        hint = 'compare them with the text that stands for an anomaly, as in y == "anomaly", which makes booleans'
        return InputError(f"`y` holds texts, {str(label)!r} at position {at}; {_EXPECTED}", hint)
    if not isinstance(label, (bool, np.bool_, numbers.Real)) or np.isnan(float(label)):
        hint = "samples whose label is not known tell nothing: leave them out, of X and of y"
        return InputError(f"`y` has no label at position {at}: {label}; {_EXPECTED}", hint)
    found = {float(one) for one in labels if isinstance(one, numbers.Real)}
    if found <= {-1.0, 1.0}:
        hint = "where -1 is anomalous, as scikit-learn has it, give y == -1"
    elif found <= {1.0, 2.0}:
        hint = "where 2 is anomalous, give y == 2"
    else:
        hint = "compare them with those that are anomalous, as in y != 0, which makes booleans"
    return InputError(f"`y` is {label} at position {at}; {_EXPECTED}", hint)
