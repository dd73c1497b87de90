"""``python -m unlike`` is the command ``unlike``."""

from ._cli import main

main()
