"""`python -m handlers` is `kol-advisor`."""

from handlers.cli import run

run()
