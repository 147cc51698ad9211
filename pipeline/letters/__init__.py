"""What leaves the house: letters, workbooks, slides, messages and seals, made from a published version and nothing else.

Every sentence is one of the pages'; every figure passes `Sheet.number` and so carries the id that `terukur trace` follows.
"""
