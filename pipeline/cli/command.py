"""The `terukur` command. Each verb says what it does, reports in Indonesian or English, and ends with a status of night.py.

Importing a group registers its verbs. Everything heavy is imported inside the verb that needs it, so that `terukur --help`
answers at once.
"""

# One line per group, in the order in which `terukur --help` lists them.
# isort: off
from pipeline.cli import nights as nights  # demo, init, run, status
from pipeline.cli import files as files  # inspect, add
from pipeline.cli import show as show  # trace, share, notebook, lab, ui
from pipeline.cli import keep as keep  # rollback, erase
from pipeline.cli import daerah as daerah  # gabung, paket
from pipeline.cli import terima as terima  # terima, with its own verbs
from pipeline.cli import laporan as laporan  # laporan

# isort: on
from pipeline.cli.app import app, main

__all__ = ["app", "main"]
