"""The parts of `benchmarks.reliability`: each tries to break promises many times over and says what came of it.

A part gets an empty folder and a `Size`, and gives rows of the table. `held`: nothing was wrong; a row with fewer tries than its
target asks for is not called met. Tries are as small as the stage under attack allows: no notebooks, few tables.
"""

from __future__ import annotations

import contextlib
import math
import random
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from benchmarks import decoded, mutants, tree
from pipeline import night
from pipeline.engine import build, connections, versions
from pipeline.exports import read
from pipeline.intake import erasure, ledger
from pipeline.letters import withdrawn
from pipeline.settings import Workspace
from tests import injuries, killing, nights_that_fail, test_checks, test_erasure, test_faults
from tests.fake_exports import NOW, drop, ingest, post, registers
from tests.night_worker import few_agencies, few_tables
from tests.test_faults import dump, file_number

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Size:
    """How many tries of each kind. `until`: a moment of the monotonic clock after which no new try is begun."""

    kills: int = 500
    pairs: int = 100
    orders: int = 200
    files: int = 50
    points: int = 20
    hostile: int = 200
    mutants: int = 5200
    rewrites: int = 20
    seed: int = 2026
    until: float = math.inf

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self.until


SMALL = Size(kills=12, pairs=6, orders=6, files=20, points=6, hostile=50, mutants=300, rewrites=6)


@dataclass(frozen=True)
class Row:
    """One line of the table. `held`: nothing was wrong in `tries` tries; the promise is met where they are as many as asked."""

    promise: str
    what: str
    measured: str
    target: str
    held: bool
    tries: int = 1
    asked: int = 1

    @property
    def is_met(self) -> bool:
        return self.held and self.tries >= self.asked


def note(wrong: list[str], line: str) -> None:
    wrong.append(line)
    print(line, file=sys.stderr, flush=True)


# --- P1, P2 -----------------------------------------------------------------------------------------------------------------


def kills(place: Path, size: Size) -> list[Row]:
    """Random SIGKILLs spread over six stages with a reader beside them, then one clean night."""
    found = killing.kills(place, size.kills, seed=size.seed, whole=17, until=size.until)
    left, right = dump(found.workspace), dump(killing.never_killed(place / "unharmed", found.tries))
    wrong = [name for name in left if left[name] != right[name]] + found.torn + killing.leftovers(found.workspace)
    return killed_rows(found.tried, found.hit, found.whole, wrong, len(left), found.reader.opens, found.reader.wrong)


def killed_rows(
    tried: dict[str, int], hit: dict[str, int], whole: int, wrong: list[str], tables: int, opens: int, misread: list[str]
) -> list[Row]:
    n, least = sum(tried.values()), min(tried.values())
    what = (
        f"{n} SIGKILLs, {least} or more in each of 6 stages, {sum(hit.values())} while at work; {whole} of them in whole nights"
    )
    said = f"{len(wrong)} of {tables} tables, sets of pages and leftovers differ from a run that nobody killed"
    return [
        Row("P1", what, said, "0 after 500", not wrong, n, 500),
        Row("P2", "a reader beside them", f"{opens} opens, {len(misread)} wrong", "0 of 2,000 wrong", not misread, opens, 2000),
    ]


# --- P3, P4 -----------------------------------------------------------------------------------------------------------------


def mutated(place: Path, size: Size) -> list[Row]:
    found = mutants.run(size.mutants, size.seed)
    return mutated_rows(sum(found.classes.values(), Counter()), len(found.classes), len(mutants.cases()))


def mutated_rows(total: dict[str, int], kinds: int, samples: int) -> list[Row]:
    n = sum(total.values())
    said = ", ".join(f"{total.get(name, 0)} {words}" for name, words in JUDGED.items())
    what = f"{n} mutants of {samples} samples by {kinds} kinds of damage"
    return [Row("P3", what, said, "0 wrong of 5,000", not total.get("wrong"), n, 5000)]


JUDGED = {"exact": "exact", "refused": "refused", "other": "another sound file and read as that", "wrong": "wrong"}
BENIGN = (
    "pollock: newlines at the end", "pollock: other delimiter ;", "pollock: other delimiter tab", "pollock: row end CR",
    "pollock: row end CRLF", "re-save: everything quoted", "re-save: UTF-16 with tabs",
)  # fmt: skip


def untouched(place: Path, size: Size) -> list[Row]:
    """Every sample, and each in the dialects that change no value (A1)."""
    verdicts: dict[str, Counter[str]] = {"samples": Counter(), "dialects": Counter()}
    for case in mutants.cases():
        whole = mutants.Mutant(case.data, case.file)
        verdicts["samples"][mutants.judge(case, whole, read(mutants.SAMPLES / case.name / case.file, **case.options))[0]] += 1
        for name in BENIGN if case.encoding else ():
            mutant = mutants.MUTATORS[name](case, random.Random(size.seed))
            if mutant is None or mutant.data == case.data:
                continue
            path = place / mutant.name
            path.write_bytes(mutant.data)
            verdict = mutants.judge(case, mutant, read(path, **case.options))[0]
            verdicts["dialects"][verdict] += 1
            if verdict != "exact":
                print(f"{case.name}: {name}: {verdict}", file=sys.stderr)
    words = {"samples": "untouched samples", "dialects": f"the same in {len(BENIGN)} other dialects (ends, separators, quotes)"}
    return [
        Row("P4", f"{n.total()} {words[kind]}", ", ".join(f"{c} {v}" for v, c in n.items()), "all exact", n["exact"] == n.total())
        for kind, n in verdicts.items()
    ]  # fmt: skip


# --- P5 ---------------------------------------------------------------------------------------------------------------------


def orders(place: Path, size: Size) -> list[Row]:
    """The same files in random orders, repeats and nights; and everything read again from the archive."""
    chance, first, wrong, made, nights = random.Random(size.seed), None, 0, 0, 0
    with few_tables():
        while made < size.orders and not size.is_over:
            workspace = Workspace(place / "o").create()
            nights += _in_any_order(workspace, size.files, chance)
            if made % 10 == 9:
                ledger.rebuild(workspace, registers(), now=NOW, settle_seconds=0, read=injuries.read)
            build.build(workspace, registry=few_agencies(), now=NOW)
            found = dump(workspace)
            first = first or found
            wrong += found != first
            made += 1
            shutil.rmtree(workspace.root)
    return ordered_rows(made, nights, size.files, wrong)


def _in_any_order(workspace: Workspace, count: int, chance: random.Random) -> int:
    files, nights = list(range(count)), 0
    chance.shuffle(files)
    while files:
        some, files = files[: (size := chance.randint(count // 10, count))], files[size:]
        for n in some:
            file_number(workspace, n)
        again = chance.choice(some)
        if chance.random() < 0.5:
            shutil.copy(workspace.inbox / f"a-fb/{again:03}.csv", workspace.inbox / f"a-fb/lagi-{again:03}.csv")
        ingest(workspace)
        nights += 1
    return nights


def ordered_rows(made: int, nights: int, files: int, wrong: int) -> list[Row]:
    what = f"{made} random orders, repeats and splits of {files} files over {nights} nights, every tenth rebuilt from its archive"
    return [Row("P5", what, f"{wrong} differ", "0 of 200", not wrong, made, 200)]


def zones(place: Path, size: Size) -> list[Row]:
    test_faults.test_b10_four_time_zones_give_the_same_dump(place)
    return [Row("P5", "the same night in 4 time zones", "1 dump", "1", True)]


# --- P6 ---------------------------------------------------------------------------------------------------------------------


def hostile(place: Path, size: Size) -> list[Row]:
    """Hostile files and good ones through `terukur run`, with the memory of all its processes together."""
    from benchmarks.hostile import run

    with tree.memory() as used:
        found = run(place, size.hostile)
    published = found.get("published", [])
    said = f"{len(published)} of 20 good files published, status {found['exit']}, {found['seconds']:.0f} s"  # type: ignore[arg-type]
    return [
        Row(
            "P6",
            f"{size.hostile} hostile files and 20 good ones",
            said,
            "20, status 3",
            found["exit"] == 3 and len(published) == 20,  # type: ignore[arg-type]
            size.hostile,
            200,
        ),
        Row("P6", "memory of all processes of that night together", f"{used.peak_mib:.0f} MiB", "2 GiB", used.peak_mib < 2048),
    ]  # fmt: skip


# --- P7 ---------------------------------------------------------------------------------------------------------------------


def alone(place: Path, size: Size) -> list[Row]:
    """Each injury by itself."""
    return [_injured(place, "each injury alone", [(one,) for one in injuries.INJURIES], size, len(injuries.INJURIES))]


def pairs(place: Path, size: Size) -> list[Row]:
    """Two injuries at once, chosen at random."""
    chance = random.Random(size.seed)
    chosen = [tuple(chance.sample(injuries.INJURIES, 2)) for _ in range(size.pairs)]
    return [_injured(place, "two injuries at once", chosen, size, 100)]


def _injured(place: Path, what: str, chosen: list[tuple[injuries.Injury, ...]], size: Size, target: int) -> Row:
    healthy = injuries.healthy(place / "healthy")
    before, wrong, asked, tried = dump(healthy), [], 0, 0
    for number, harmed in enumerate(chosen):
        if size.is_over:
            break
        tried += 1
        shutil.rmtree(place / "data", ignore_errors=True)
        shutil.copytree(healthy.root, place / "data", symlinks=True)
        workspace, chance = Workspace(place / "data"), random.Random(size.seed + number)
        names = [i.name for i in harmed]
        try:
            for injury in harmed:
                with contextlib.suppress(FileNotFoundError, IsADirectoryError, NotADirectoryError, ValueError):
                    injury.harm(workspace, chance)  # the first may have left nothing for the second
            asked += bool(injuries.recover(workspace, harmed))
            if dump(workspace) != before:
                note(wrong, f"{names}: other figures")
        except Exception as error:
            note(wrong, f"{names}: {error!r}")
        print(f"{number + 1} of {len(chosen)}: {names}", flush=True)
    return injured_row(what, tried, asked, len(wrong), target)


def injured_row(what: str, tried: int, asked: int, wrong: int, target: int) -> Row:
    told = f"{tried - wrong} of {tried} back to the same figures in the next night, {asked} of them after the one step it named"
    return Row("P7", f"{what} ({tried})", told, f"all of {target}", not wrong, tried, target)


def disk(place: Path, size: Size) -> list[Row]:
    """A disk that is full at different moments of a night, each followed by one night with room."""
    small = place / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160m", "tmpfs", str(small)], check=False).returncode:
        return [Row("P7", "a full disk", "not run: no file system can be mounted here", "status 6, then recovered", False)]
    try:
        return [_full(small, size)]
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)


def _full(small: Path, size: Size) -> Row:
    workspace = Workspace(small / "data").create()
    for n in range(3):
        file_number(workspace, n)
    injuries.whole_night(workspace)
    statuses: list[int] = []
    wrong: list[str] = []
    for point in range(size.points):
        if size.is_over:
            break
        file_number(workspace, 3 + point)
        spare = int(12e6 * (point / size.points) ** 2)
        statuses.append(_night_without_room(workspace, small, spare, wrong))
        injuries.whole_night(workspace)
        _only_the_newest(workspace)
        print(f"{point + 1} of {size.points}: {spare} bytes, status {statuses[-1]}", flush=True)
    told = f"{statuses.count(6)} times status 6, {statuses.count(0)} times room enough, {len(wrong)} wrong; "
    told += "the next night good each time"
    return Row(
        "P7", f"a disk that is full at {len(statuses)} points of a night", told, "0 wrong of 20", not wrong, len(statuses), 20
    )


def _night_without_room(workspace: Workspace, small: Path, spare: int, wrong: list[str]) -> int:
    (small / "filler").write_bytes(b"x" * max(shutil.disk_usage(small).free - spare, 0))
    before, status = versions.current(workspace), night.DONE
    try:
        injuries.whole_night(workspace)
    except Exception as error:
        status, _, said = night.explain(error)
        if status != night.ENVIRONMENT:
            note(wrong, f"{spare} bytes: {said} {error!r}")
    with versions.open_version(workspace) as version:
        if status and version.name not in (before, f"w-{int((before or 'w-0')[2:]) + 1}"):
            note(wrong, f"{spare} bytes: {version.name}")
    (small / "filler").unlink()
    return status


def _only_the_newest(workspace: Workspace) -> None:
    for old in sorted(workspace.versions.glob("w-*.duckdb"), key=lambda p: int(p.stem[2:]))[:-3]:
        old.unlink()
        old.with_suffix(".json").unlink()


def backup(place: Path, size: Size) -> list[Row]:
    """The demo of a small regency: backed up, verified, destroyed, restored on an empty folder, one night; by the command."""
    home, target, fresh = place / "data", place / "usb", place / "baru"
    _terukur(home, "demo", "--profile", "tiny", "--no-open")
    before = _tables(Workspace(home))
    began = time.monotonic()
    made = _terukur(home, "cadangkan", target)
    checked = _terukur(home, "periksa", target)
    shutil.rmtree(home)
    restored = _terukur(fresh, "pulihkan", target)
    put_back = time.monotonic() - began
    ran = _terukur(fresh, "run")
    whole = time.monotonic() - began
    after = _tables(Workspace(fresh))
    different = [name for name in before if after.get(name) != before[name]]
    said = f"{len(before)} tables, {len(different)} differ; {put_back / 60:.1f} min to restored, {whole / 60:.1f} with the night"
    is_equal = not different and {made, checked, restored} == {0} and ran in (0, 3)
    return [Row("P7", "backup, destroy, restore on an empty folder (`tiny` regency)", said, "equal tables", is_equal)]


def _terukur(home: Path, *words: object) -> int:
    command = [sys.executable, "-c", "from pipeline.cli.command import main; main()", "--workspace", str(home), *map(str, words)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode


def _tables(workspace: Workspace) -> dict[str, list[str]]:
    """All that is published about the data; when a file was first seen is the one thing that may differ."""
    with versions.open_version(workspace) as version:
        names = [n for n in version.tables if not n.startswith("meta.")]
        return {n: sorted(map(repr, version.table(n).drop("first_seen_at", strict=False).rows())) for n in names}


# --- P8 ---------------------------------------------------------------------------------------------------------------------


def history(place: Path, size: Size) -> list[Row]:
    """Published past totals changed behind the reader's back, and changed by a file that says so."""
    filled = _october(place / "filled")
    chance, told, seen, wrong = random.Random(size.seed), 0, Counter[str](), []
    with few_tables():
        build.build(filled, registry=registers(), now=NOW)
        for number in range(size.rewrites):
            if size.is_over:
                break
            workspace = Workspace(place / "w")
            shutil.rmtree(workspace.root, ignore_errors=True)
            shutil.copytree(filled.root, workspace.root)
            by_file = number % 2 == 0
            account = chance.choice(sorted(PLATFORM_OF))
            _restate(workspace, account, number) if by_file else _rewrite(workspace, account, chance)
            reason = _how_it_was_told(workspace, account)
            seen[reason] += 1
            if (reason != "FILES") if by_file else (reason not in ("held", "stopped")):
                note(wrong, f"{account}, {'file' if by_file else 'behind the back'}: {reason}")
            told += 1
    what = f"{told} changes of published months: half by a newer file, half behind the reader's back"
    said = ", ".join(f"{n} {WORDS[reason]}" for reason, n in sorted(seen.items())) + f"; {len(wrong)} wrong"
    return [Row("P8", what, said, "0 unseen of 20", not wrong, told, 20)]


WORDS = {
    "FILES": "listed with their file as cause",
    "held": "held back by name",
    "stopped": "stopped the night",
    "unseen": "unseen",
    "UNEXPLAINED": "published without a cause",
}
PLATFORM_OF = {"a-fb": "facebook", "a-ig": "instagram", "b-ig": "instagram", "a-x": "x"}


def _posts(account: str, more: int = 0) -> list[dict]:
    first = 100 * (1 + sorted(PLATFORM_OF).index(account))
    added = {"comments": 2 + more} | ({"engagement_rcs": 15 + more} if account == "a-fb" else {})
    added = added if account != "a-x" else {"likes": 5 + more}
    return [post(PLATFORM_OF[account], str(first + n), f"2026-10-{n:02}T03:00", **added) for n in range(1, 9)]


def _october(root: Path) -> Workspace:
    workspace = Workspace(root).create()
    for account, platform in PLATFORM_OF.items():
        drop(workspace, f"{account}/a.csv", platform, _posts(account), captured_at="2026-11-20", period=test_checks.PERIOD)
    ingest(workspace)
    return workspace


def _restate(workspace: Workspace, account: str, more: int) -> None:
    rows = _posts(account, more + 1)
    drop(workspace, f"{account}/b.csv", PLATFORM_OF[account], rows, captured_at="2026-11-22", period=test_checks.PERIOD)
    ingest(workspace)


def _rewrite(workspace: Workspace, account: str, chance: random.Random) -> None:
    more = chance.randint(1, 40)
    field = "likes" if account == "a-x" else "comments"
    also = f", engagement_rcs = engagement_rcs + {more}" if account == "a-fb" else ""
    with connections.open_raw(workspace) as con:
        con.execute(
            f"UPDATE raw.post_snapshots SET {field} = {field} + {more}{also} "
            "WHERE export_id IN (SELECT export_id FROM raw.exports WHERE account_id = ?)",
            [account],
        )


def _how_it_was_told(workspace: Workspace, account: str) -> str:
    try:
        result = build.build(workspace, registry=registers(), now=NOW)
    except build.NotPublished:
        return "stopped"
    if result.held:
        return "held" if {h.account_id for h in result.held} == {account} else "unseen"
    with versions.open_version(workspace) as version:
        listed = version.sql("SELECT DISTINCT account_id, reason_code FROM meta.changed_history").rows()
    return listed[0][1] if {a for a, _ in listed} == {account} else "unseen"


# --- P9 ---------------------------------------------------------------------------------------------------------------------


def inert(place: Path, size: Size) -> list[Row]:
    """Hostile names and captions on every page in Chromium, and in every workbook."""
    from benchmarks import inert as outputs

    pages, heard, cells, formulas = outputs.tried(place)
    what = "every page of a regency with hostile names and texts, opened in Chromium"
    said = f"{pages} pages: {len(heard)} scripts, dialogs, errors or requests"
    for line in heard[:5]:
        print(line, file=sys.stderr)
    return [
        Row("P9", what, said if pages else "not run: no Chromium here", "0", bool(pages) and not heard),
        Row("P9", "its workbooks", f"{cells} cells: {formulas} live formulas or links", "0", cells > 0 and not formulas),
    ]  # fmt: skip


# --- P10 --------------------------------------------------------------------------------------------------------------------


def erased(place: Path, size: Size) -> list[Row]:
    """A person in five spellings, in files, tables and pages; afterwards every file of ours is searched by another program."""
    spellings = dict(list(test_erasure.SPELLINGS.items())[:5])
    workspace, person = Workspace(place / "data").create(), test_erasure.PERSON
    for n, spelling in enumerate(spellings.values()):
        rows = [post("facebook", f"{n}{k}", f"2026-10-0{k}T03:00", caption=f"Bersama {spelling}") for k in range(1, 4)]
        drop(workspace, f"a-fb/{n}.csv", "facebook", rows, captured_at=f"2026-11-1{n}")
    file_number(workspace, 40)
    injuries.whole_night(workspace)
    before = decoded.copies(workspace.root, person, spellings.values(), leave=("inbox",))
    erasure.clean_archive(workspace, person)
    erasure.renew_raw(workspace, person)
    injuries.whole_night(workspace)
    erasure.purge(workspace)
    after = decoded.copies(workspace.root, person, spellings.values(), leave=("inbox",))
    injuries.whole_night(workspace, NOW + timedelta(days=1))  # the old exports still lie in the inbox
    again = decoded.copies(workspace.root, person, spellings.values(), leave=("inbox",))
    said = f"{len(before)} files held the person, {len(after)} after, {len(again)} after the old exports came once more"
    what = "a person in 5 spellings (entities, numbers, NFD, no-break space, typographic): bytes and decoded text of every file"
    return [Row("P10", what, said, "0", bool(before) and not after and not again)]


# --- P11 --------------------------------------------------------------------------------------------------------------------


def others(place: Path, size: Size) -> list[Row]:
    """For every blocking check one account's data are broken: only its files are held, everybody else's rows are as before."""
    filled = test_checks.fill(place / "filled")
    wrong: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        healthy = _of_others(filled, place / "healthy", lambda w: test_checks.run(w, patch))
    for check, fault in test_checks.FAULTS.items():
        with pytest.MonkeyPatch.context() as patch:
            held: list[str] = []

            def broken(workspace: Workspace, fault=fault, patch=patch, held=held) -> None:
                held += [h.file_name.rsplit("/", 1)[-1] for h in fault(workspace, patch).held]

            rows = _of_others(filled, place / "w", broken)
        if rows != healthy or not held or not set(held) <= set(test_checks.FILES):
            note(wrong, f"{check}: held {held}, others {'equal' if rows == healthy else 'differ'}")
        shutil.rmtree(place / "w")
    n = len(test_checks.FAULTS)
    said = f"{n - len(wrong)} of {n}: its files held by name, the others' rows published and equal"
    return [Row("P11", f"one account broken for each of {n} checks that block", said, "all", not wrong)]


def _of_others(filled: Workspace, place: Path, act: Callable[[Workspace], object]) -> dict[str, list[str]]:
    shutil.copytree(filled.root, place)
    workspace = Workspace(place)
    act(workspace)
    found = {}
    with versions.open_version(workspace) as version:
        for name in ("core.posts", "marts.account_month"):
            frame = version.table(name)
            found[name] = sorted(map(repr, frame.filter(frame["account_id"] != test_checks.BROKEN).rows()))
    return found


# --- P12 --------------------------------------------------------------------------------------------------------------------


def undone(place: Path, size: Size) -> list[Row]:
    """Rollbacks, some killed half-way; afterwards figures, pages, notebooks, letters and status speak of one version."""
    from tests import test_undo

    two = test_undo.two_nights(place / "two")
    wrong: list[str] = []
    chance, tries = random.Random(size.seed), 8
    for number in range(tries):
        workspace = Workspace(place / "w")
        shutil.rmtree(workspace.root, ignore_errors=True)
        shutil.copytree(two.root, workspace.root, symlinks=True)
        if number:
            _killed_undo(workspace, chance.uniform(0, 0.4))
        withdrawn.undo(workspace) if versions.current(workspace) == "w-2" else withdrawn.finish(workspace)
        if (said := test_undo.speaks_of(workspace)) != {"w-1"}:
            note(wrong, f"try {number}: {said}")
    said = f"{tries - len(wrong)} of {tries}: figures, pages, notebooks, letters and status of one version"
    return [Row("P12", f"a rollback, and {tries - 1} that were killed half-way and done again", said, "all", not wrong)]


UNDO = """
import sys
from pathlib import Path
from pipeline import night
from pipeline.letters import withdrawn
from pipeline.settings import Workspace
workspace = Workspace(Path(sys.argv[1]))
print("ready", flush=True)
with night.alone(workspace):
    withdrawn.undo(workspace)
"""


def _killed_undo(workspace: Workspace, after: float) -> None:
    command = [sys.executable, "-c", UNDO, str(workspace.root)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        process.stdout.readline()
        time.sleep(after)
        process.kill()


# --- P13, P14 ---------------------------------------------------------------------------------------------------------------


def silence(place: Path, size: Size) -> list[Row]:
    """A night that failed, one that was killed, one that never began: when a person is told."""
    return [
        Row("P13", what, f"{said} ({seconds:.1f} s after it could be known)", "within an hour", bool(said) and seconds <= 3600)
        for what, said, seconds in nights_that_fail.told(place)
    ]


def kept(place: Path, size: Size) -> list[Row]:
    """The table of settings and promises with the tests that show them, run."""
    from tests import test_promises

    entries = [*test_promises.SETTINGS.values(), *test_promises.REGISTRY.values(), *test_promises.PROMISES.values()]
    named = sorted({name for entry in entries for name in ([entry] if isinstance(entry, str) else entry)})
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0", "tests/test_promises.py", *named]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    said = re.findall(r"(\d+) (passed|failed|error)", made.stdout)
    counts = ", ".join(f"{n} {word}" for n, word in said) or f"{made.stdout.count('.')} dots, status {made.returncode}"
    what = f"{len(entries)} settings and promises, each with the test that shows it"
    return [Row("P14", what, f"{counts}", "0 failed", made.returncode == 0)]


PARTS: dict[str, Callable[[Path, Size], list[Row]]] = {
    part.__name__: part
    for part in (
        *(kills, mutated, untouched, orders, zones, hostile, alone, pairs, disk, backup, history, inert, erased, others),
        *(undone, silence, kept),
    )
}
