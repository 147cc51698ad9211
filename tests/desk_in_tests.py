"""A small workspace behind a door: two agencies, their accounts, files as the platforms write them. No process, no network."""

from datetime import UTC, datetime

import exports_in_tests as e
from starlette.testclient import TestClient

from pipeline.desk import links, worker
from pipeline.desk.office import Office
from pipeline.desk.service import application
from pipeline.settings import Workspace

NOW = datetime(2026, 12, 1, 3, 0, tzinfo=UTC)  # 10.00 in Bogor
ACCOUNTS = """account_id,platform,handle,platform_account_id,agency_id
ig-dinkes,instagram,dinkes.simulasi,17841400000000001,dinkes
fb-dinkes,facebook,dinkes.fb,,dinkes
wa-dinkes,whatsapp,0029VaAbCdEf,,dinkes
ig-disdik,instagram,disdik.simulasi,17841400000000002,disdik
"""
AGENCIES = """agency_id,name,short_name,kind,peer_group
dinkes,Dinas Kesehatan,Dinkes,dinas,dinas
disdik,Dinas Pendidikan,Disdik,dinas,dinas
"""


class InProcess(worker.Reader):
    """The worker's own answers without its process; `crash` makes the next reading fail as a killed worker does."""

    crash = False

    def ask(self, request):
        if self.crash and request["do"] == "read":
            raise worker.Crashed("took too long")
        return {**worker.answer(request), "bytes": 0}

    def warm(self):
        pass


class Fixed(Office):
    """An office whose clock stands still."""

    moment = NOW

    def now(self):
        return self.moment


def workspace(root):
    """A workspace with registers and nothing else."""
    made = Workspace(root).create()
    (made.registry / "agencies.csv").write_text(AGENCIES)
    (made.registry / "accounts.csv").write_text(ACCOUNTS)
    (made.registry / "settings.toml").write_text('name = "Kabupaten Uji"\nname_en = "Test Regency"\nsimulated = true\n')
    return made


def office(made):
    return Fixed(made, reader=InProcess())


def door(made, agency="dinkes", account=None, **options):
    """A client of the service, and the path of a new link."""
    path = links.make(made, agency, account).path
    return TestClient(application(made, office=office(made)), **options), path


def instagram(n=12, **whose):
    """The bytes of an Instagram content export."""
    return e.plain(e.instagram(n, **whose))


def stored(made):
    """Every file in the inbox, relative to it."""
    return sorted(p.relative_to(made.inbox).as_posix() for p in made.inbox.rglob("*") if p.is_file())


def waiting(made):
    """Every file in the quarantine."""
    return sorted(p.name for p in (made.desk / "quarantine").rglob("*") if p.is_file())


def send(client, path, *files, **fields):
    """Hand files (name, bytes) in as a program does."""
    parts = [("berkas", (name, data, "text/csv")) for name, data in files]
    return client.post(path, files=parts, data=fields, headers={"accept": "application/json"})
