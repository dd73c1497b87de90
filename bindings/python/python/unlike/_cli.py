"""The command ``unlike``: the same program as the one that is built alone."""

from __future__ import annotations

import signal
import sys

from . import _unlike


def main() -> None:
    """Runs the command line of this process, and ends it with its exit code."""
    # Python would only make a note of Ctrl-C, and look at it when the command is over.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(_unlike.main([sys.executable, "-m", "unlike"], ["unlike", *sys.argv[1:]]))
