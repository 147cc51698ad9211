"""Any file in, recognised and typed rows out: read exactly right, or refused with a reason."""

from pipeline.exports.batch import Job, read_many
from pipeline.exports.model import AccountRef, Export, HeaderReport, Message
from pipeline.exports.reading import read

__all__ = ["AccountRef", "Export", "HeaderReport", "Job", "Message", "read", "read_many"]
