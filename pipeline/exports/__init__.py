"""Any file in, recognised and typed rows out: read exactly right, or refused with a reason."""

from pipeline.exports.model import AccountRef, Export, HeaderReport, Message
from pipeline.exports.reading import read

__all__ = ["AccountRef", "Export", "HeaderReport", "Message", "read"]
