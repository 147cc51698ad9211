"""Whole numbers straight from the bytes of proven fields: eight digits at a time in one machine word.

A field is read here only if it is 1 to 15 digits and nothing else: no quotes, sign, space or mark. Of every other field the
answer is that it is not plain, and its text decides.
"""

import numpy as np

LONGEST = 15
BLOCK = 4096  # records looked at at a time: what is made of them stays in the cache of a core
_ZEROS = np.uint64(0x3030303030303030)
_HIGH = np.uint64(0xF0F0F0F0F0F0F0F0)
_SIX = np.uint64(0x0606060606060606)
_STEPS = (
    (np.uint64(0x0F0F0F0F0F0F0F0F), np.uint64(10 * 2**8 + 1), np.uint64(8)),
    (np.uint64(0x00FF00FF00FF00FF), np.uint64(100 * 2**16 + 1), np.uint64(16)),
    (np.uint64(0x0000FFFF0000FFFF), np.uint64(10_000 * 2**32 + 1), np.uint64(32)),
)


def whole(data: bytes, begins: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Int64 values of the fields ``data[begin:end]``, and which of them are plain (of others the value means nothing).

    No field may end before byte 16. ``begins`` and ``ends``: a row per record, a column per field.
    """
    words = np.ndarray((len(data) - 7,), dtype="<u8", buffer=data, strides=(1,))
    numbers, plain = np.empty(ends.shape, dtype=np.int64), np.empty(ends.shape, dtype=bool)
    for start in range(0, len(ends), BLOCK):
        block = slice(start, start + BLOCK)
        numbers[block], plain[block] = _whole(words, begins[block], ends[block])
    return numbers, plain


def _whole(words: np.ndarray, begins: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    length = ends - begins
    low, plain = _eight(words[ends - 8], np.minimum(length, 8))
    plain &= (length > 0) & (length <= LONGEST)
    if (length > 8).any():
        high, also = _eight(words[ends - 16], np.clip(length - 8, 0, 8))
        return (low + high * 100_000_000).astype(np.int64), plain & also
    return low.astype(np.int64), plain


def _eight(word: np.ndarray, length: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Value of the last ``length`` (0 to 8) characters of each word, and whether all of them are digits."""
    foreign = ((8 - length) * 8).astype(np.uint64)  # bits that belong to what lies before the field
    own = np.where(length > 0, np.uint64(0xFFFFFFFFFFFFFFFF) << np.minimum(foreign, 63), np.uint64(0))
    word = (word & own) | (_ZEROS & ~own)
    plain = ((word & _HIGH) == _ZEROS) & (((word + _SIX) & _HIGH) == _ZEROS)
    for mask, factor, shift in _STEPS:
        word = ((word & mask) * factor) >> shift
    return word, plain
