"""Random bytes against every part of the reader: rows that a simple reading confirms, or a refusal, and never an exception.

``make fuzz`` runs each target for a minute with atheris, which finds its way by what it covers; nothing is installed by it.
``python -m tests.fuzz csv_meta --seconds 600`` runs one. The targets are plain functions: tests/test_fuzz.py runs them.
"""
