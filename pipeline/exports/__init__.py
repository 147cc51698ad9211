"""Any file in, recognised and typed rows out: read exactly right, or refused with a reason."""

from pipeline.exports.model import AccountRef, Export, HeaderReport, Message
from pipeline.exports.reading import read, read_many
from pipeline.exports.source import Job

__all__ = ["AccountRef", "Export", "HeaderReport", "Job", "Message", "read", "read_many"]
