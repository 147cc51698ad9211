"""Statistics for honest comparison: arrays in, frames out. No warehouse, no scheduler, no files.

Each module is one method and names its source; `tables.py` applies them to the marts. Everything is deterministic:
where a method draws random numbers, the seed is an argument with a fixed default.
"""
