"""How many threads work runs on."""

from __future__ import annotations

import numbers

from . import _unlike
from ._arguments import Int
from ._errors import SettingError


def set_threads(threads: Int) -> None:
    """Limits each training and each scoring to this many threads.

    Results do not depend on it. Calls from several threads of Python, which may run at once, have so many each: a
    server says 1, and calls from as many threads as there are cores. Without it, there is one thread per core for
    all.

    A process that was forked, as ``multiprocessing`` does on Linux up to Python 3.13, goes by the limit of the one
    that it was forked off. It starts threads of its own, so detectors can be fitted before the fork, and score and be
    fitted after it; fork while no other thread is at work.

    Raises
    ------
    SettingError
        If it is no whole number from 1 to 1024.
    """
    if isinstance(threads, bool) or not isinstance(threads, numbers.Integral) or not 0 < int(threads) < 2**16:
        raise SettingError(f"`threads` is {threads!r}; expected from 1 to 1024")
    _unlike.set_threads(int(threads))
