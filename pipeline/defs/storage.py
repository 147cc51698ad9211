"""Where Dagster keeps its events: its own SQLite files, each kept open while a process works instead of once per event.

A night writes about 500 events. Dagster's storage opens, creates an engine for, syncs and closes a file for each of them, and
closing the last connection makes SQLite write its log back: a third of a small night. The files stay the same files.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage, _event_logs_directory
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

OPEN_FILES = 4  # the index, the run that works, and one or two that somebody looks at
BUSY_SECONDS = 60


class EventLog(SqliteEventLogStorage):
    """Dagster's SQLite event log with one lasting connection per file."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None):
        self._engines: dict[str, Engine] = {}
        super().__init__(base_dir, inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock, self._engine(shard).connect() as connection, connection.begin():
            yield connection

    def _engine(self, shard: str) -> Engine:
        if shard not in self._engines:
            while len(self._engines) >= OPEN_FILES:
                self._engines.pop(next(iter(self._engines))).dispose()
            self._engines[shard] = _lasting(self.conn_string_for_shard(shard))
        if shard not in self._initialized_dbs:
            self._initdb(self._engines[shard])
            self._initialized_dbs.add(shard)
        return self._engines[shard]

    def dispose(self) -> None:
        super().dispose()
        while self._engines:
            self._engines.popitem()[1].dispose()


def _lasting(address: str) -> Engine:
    """The lock of the storage lets one thread in at a time, so a connection may serve any of them."""
    engine = create_engine(
        address,
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=2,  # Dagster asks a second one for the names of the tables while it makes a file
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )
    # In WAL mode the files stay whole without a sync per event; a power cut may cost the last events of a night that was cut.
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = NORMAL").close())
    return engine


class Storage(DagsterSqliteStorage):
    """Dagster's SQLite storage with `EventLog` in it."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None):
        super().__init__(base_dir, inst_data)
        self._event_log_storage = EventLog(_event_logs_directory(base_dir))

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Any) -> Storage:  # ty: ignore
        return cls.from_local(inst_data=inst_data, **config_value)
