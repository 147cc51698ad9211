"""The pages of the door: what the templates are given. Texts are the catalogues', figures the last night's."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pipeline.desk import book, keeper, sheets, verdicts
from pipeline.desk.coverage import WAITING, Covered, Month
from pipeline.desk.directory import Account
from pipeline.desk.handin import Answer
from pipeline.desk.links import Link
from pipeline.desk.office import Office, Recent
from pipeline.desk.registers import Done, Sheet, changes
from pipeline.files import load_yaml
from pipeline.html import render
from pipeline.html.escape import file_part, tampil
from pipeline.html.locale import Words
from pipeline.html.tokens import ASSETS, css_variables

STATES = {"complete": "l", "partial": "s", "missing": "t", "refused": "x", "not_required": "d"}
KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
ENTRIES_SHOWN = 200
ROWS_SHOWN = 400


# --- style, script, icon --------------------------------------------------------------------------------------------------------


@functools.cache
def sources() -> dict[str, bytes]:
    style = (css_variables() + (ASSETS / "terima.css").read_text(encoding="utf-8")).encode()
    return {"terima.css": style, **{name: (ASSETS / name).read_bytes() for name in ("terima.js", "terima-ikon.svg")}}


def asset(name: str) -> str:
    """The address of one of our own files; it changes with the file."""
    stem, _, suffix = name.partition(".")
    return f"/aset/{stem}-{hashlib.sha256(sources()[name]).hexdigest()[:12]}.{suffix}"


def assets() -> dict[str, tuple[bytes, str]]:
    """Every file by its address, with its media type."""
    return {asset(name).rpartition("/")[2]: (source, KINDS[Path(name).suffix]) for name, source in sources().items()}


@functools.cache
def steps() -> dict[str, Any]:
    found: dict[str, Any] = load_yaml((Path(__file__).parent / "steps.yml").read_text(encoding="utf-8"))
    return found


# --- the page of a link ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """One account on the page."""

    account_id: str
    platform: str
    label: str
    months: list[tuple[str, str, str, str]]  # state, month (short), year where it begins, the whole in words
    summary: str
    last: str
    waiting: str
    gap: str
    parts: str
    checked: str
    steps: list[str]
    sheet: bool


async def page(office: Office, link: Link, words: Words, base: str, *, answers: Sequence[Answer] | None = None) -> str:
    """The whole page of an agency's or account's link."""
    known, found, today = office.directory(), await office.coverage(), office.today()
    agency = known.agencies.get(link.agency_id or "")
    accounts = known.of(office.sender(link).accounts)
    recent = await office.run(office.recent, found)
    shown = [_shown(a, office.covered(found, a.account_id), recent.get(a.account_id, Recent()), words, today) for a in accounts]
    slug = file_part(link.agency_id or "")
    own = office.workspace.site / "latest" / words.language / "perangkat" / f"{slug}.html"
    return _shell(
        "terima.html",
        words,
        base,
        known,
        title=words.plain("Hand in files"),
        agency=agency,
        accounts=shown,
        version=found["version"],
        cutoff=words.day_long(date.fromisoformat(found["cutoff"])) if found["cutoff"] else "",
        own=f"{base}/halaman/{words.language}/perangkat/{slug}.html" if own.is_file() else None,
        cards=_cards(office, answers or [], words, found),
        is_answer=answers is not None,
    )


async def cards(office: Office, answers: Sequence[Answer], words: Words, base: str) -> str:
    """Verdicts alone, for the script to put into the page."""
    found = await office.coverage()
    return str(
        render("terima_kartu.html", words, cards=_cards(office, answers, words, found), base=base, bahasa=_language(words))
    )


def _cards(office: Office, answers: Sequence[Answer], words: Words, found: dict[str, Any]) -> list[dict[str, Any]]:
    known, today = office.directory(), office.today()
    covered = functools.partial(office.covered, found)
    made = [(g[0], verdicts.card(g, words, known, covered, today)) for g in verdicts.grouped(answers)]
    is_bad = {id(card) for first, card in made if card.tone == "tolak" and not first.other_door}
    return [{"card": card, "how": _how(card.platform, words) if id(card) in is_bad else None} for _, card in made]


def _how(platform: str | None, words: Words) -> dict[str, Any] | None:
    found = steps().get(platform or "")
    return {"steps": found[words.language], "checked": words.day_long(found["checked"])} if found else None


def _shown(account: Account, covered: Covered, recent: Recent, words: Words, today: date) -> Shown:
    how = steps()[account.platform]
    is_typed = sheets.is_typed(account.platform)
    last = max((m for m in (covered.last, recent.last) if m is not None), default=None)
    gap = covered.gap(today)
    return Shown(
        account.account_id,
        verdicts.platform_name(account.platform),
        account.label,
        [_month(m, n, words, today) for n, m in enumerate(covered.months)],
        _summary(covered, words, today),
        words.plain("Last sent {day}", day=words.day_long(last.astimezone(book.WIB).date())) if last else "",
        _waiting(recent.waiting, words),
        _gap(gap, is_typed, words),
        _pieces(gap, how["days"], words),
        words.day_long(how["checked"]),
        how[words.language],
        is_typed,
    )


def _month(month: Month, number: int, words: Words, today: date) -> tuple[str, str, str, str]:
    year = f"{month.first.year}" if number == 0 or month.first.month == 1 else ""
    is_running = month.first == today.replace(day=1) and month.state in ("missing", "partial")
    said = words.plain("not over yet") if is_running and not month.covered else _state(month, words)
    state = "d" if is_running and not month.covered else STATES[month.state]
    return state, words.month_short(month.first), year, f"{words.month(month.first)}: {said}"


def _state(month: Month, words: Words) -> str:
    said = {
        "complete": words.plain("complete"),
        "partial": words.plain("partial"),
        "missing": words.plain("no file"),
        "refused": words.plain("file refused"),
        "not_required": words.plain("not required"),
    }[month.state]
    return f"{said} ({month.covered}/{month.days})" if month.state == "partial" else said


def _summary(covered: Covered, words: Words, today: date) -> str:
    """Of the months that are over."""
    over = [m for m in covered.months if m.first < today.replace(day=1) and m.state in (*WAITING, "complete")]
    if not over:
        return words.plain("Nothing read yet.")
    full = sum(m.state == "complete" for m in over)
    return words.plain("{n} of {all} months complete", n=full, all=len(over))


def _waiting(files: int, words: Words) -> str:
    return str(words.ngettext("{n} file waits for tonight", "{n} files wait for tonight", files)) if files else ""


def _gap(gap: tuple[date, date] | None, is_typed: bool, words: Words) -> str:
    if gap is None:
        return words.plain("Nothing is missing.")
    first, last = words.day_long(gap[0]), words.day_long(gap[1])
    if is_typed:
        return words.plain("Type in the posts of {first} to {last}.", first=first, last=last)
    return words.plain("Download next: {first} to {last}.", first=first, last=last)


def _pieces(gap: tuple[date, date] | None, longest: int | None, words: Words) -> str:
    """Where one download cannot span the gap: how many it takes."""
    if gap is None or longest is None or (days := (gap[1] - gap[0]).days + 1) <= longest:
        return ""
    return words.plain("At most {days} days in one download, so {n} downloads.", days=longest, n=-(-days // longest))


def sheet(
    office: Office,
    link: Link,
    words: Words,
    base: str,
    account_id: str,
    *,
    answers: Sequence[Answer] = (),
    said: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """The forms of one account; `said` keeps what was typed where it was refused."""
    known = office.directory()
    account = known.accounts[account_id]
    wanted = (said or {}).get("isian", [""])[0]
    forms = []
    for one in sheets.of_platform(account.platform, words, office.today()):
        typed = said if said and one.kind == wanted else {}
        rows = [[(f, _typed(typed, f, n)) for f in one.fields] for n in range(sheets.ROWS)]
        forms.append({"sheet": one, "rows": rows})
    return _shell(
        "terima_isian.html",
        words,
        base,
        known,
        title=words.plain("Type in figures"),
        agency=known.agencies.get(link.agency_id or ""),
        account=account,
        platform=verdicts.platform_name(account.platform),
        forms=forms,
        cards=_cards(office, answers, words, {"accounts": {}}),
    )


def _typed(said: Mapping[str, Sequence[str]] | None, field: sheets.Field, row: int) -> str:
    given = (said or {}).get(field.name)
    return given[row] if given and row < len(given) else field.value


# --- the keeper -----------------------------------------------------------------------------------------------------------------


def keeper_page(office: Office, words: Words, base: str, told: keeper.Today) -> str:
    """What came today, what was refused and why, who has not sent."""
    known = office.directory()
    region = known.name if words.language == "id" else known.name_en
    entries = [_entry(group, words, known) for group in told.files[:ENTRIES_SHOWN]]
    agencies: list[dict[str, Any]] = [
        {
            "sent": a,
            "last": words.day_long(a.last.astimezone(book.WIB).date()) if a.last else words.plain("never"),
            "days": words.ngettext("{n} day ago", "{n} days ago", a.days) if a.days else "",
            "lacking": [(label, ", ".join(str(words.month(m)) for m in months)) for _, label, months in a.lacking],
            "remind": keeper.whatsapp(keeper.reminder(a, Words("id"), region)),
        }
        for a in told.agencies
    ]
    counts = [(verdicts.TONES[name], verdicts.title(name, words), words.integer(n)) for name, n in told.counts.items()]
    return _shell(
        "terima_pengelola.html",
        words,
        base,
        known,
        title=words.plain("Today at the door"),
        day=words.day_long(told.day),
        counts=counts,
        files=words.integer(len(told.files)),
        entries=entries,
        more=max(0, len(told.files) - ENTRIES_SHOWN),
        silent=[a for a in agencies if a["sent"].is_silent],
        others=[a for a in agencies if not a["sent"].is_silent],
        warning_days=told.warning_days,
        registers=_register_names(words),
    )


def _entry(group: keeper.File, words: Words, known: Any) -> dict[str, str]:
    entry = group.entry
    agency = known.agencies.get(entry.agency_id or "")
    doors = {
        "web": words.plain("page"),
        "form": words.plain("form"),
        "mail": words.plain("mail"),
        "chat": words.plain("chat"),
    }
    return {
        "time": f"{entry.moment.astimezone(book.WIB):%H.%M}",
        "agency": agency.short_name if agency else entry.agency_id or "–",
        "account": known.label(entry.account_id) if entry.account_id else "–",
        "file": tampil(entry.file, 60) + (f" ({group.parts})" if group.parts > 1 else ""),
        "tone": verdicts.TONES[entry.outcome],
        "outcome": verdicts.title(entry.outcome, words),
        "door": doors.get(entry.door, entry.door),
        "why": keeper.why(entry, words),
    }


def chat_page(office: Office, words: Words, base: str, told: keeper.Taken) -> str:
    """What became of a chat archive."""
    known = office.directory()
    cards = _cards(office, [answer for _, answer in told.answers], words, {"accounts": {}})
    problem = (told.problem.id if words.language == "id" else told.problem.en) if told.problem else ""
    strangers = [(tampil(who, 60), n) for who, n in told.strangers.most_common()]
    return _shell(
        "terima_obrolan.html",
        words,
        base,
        known,
        title=words.plain("Chat archive"),
        cards=cards,
        strangers=strangers,
        problem=problem,
    )


def _register_names(words: Words) -> list[tuple[str, str]]:
    said = {"accounts": words.plain("Accounts"), "followers": words.plain("Followers"), "plan": words.plain("Content plan")}
    return [(name, said[name]) for name in keeper.EDITABLE]


def register(office: Office, words: Words, base: str, name: str, rows: Sheet, done: Done | None = None) -> str:
    """One register: its rows, a form for a new one, the last changes."""
    lines = [line for line in rows.lines if line.cells]
    return _shell(
        "terima_daftar.html",
        words,
        base,
        office.directory(),
        title=dict(_register_names(words))[name],
        name=name,
        columns=rows.columns,
        lines=lines[-ROWS_SHOWN:][::-1],
        hidden=max(0, len(lines) - ROWS_SHOWN),
        done=done,
        problems=done.problems(words.language) if done else [],
        changes=[c for c in changes(office.workspace) if c.get("register") == name],
        registers=_register_names(words),
    )


# --- refusals -------------------------------------------------------------------------------------------------------------------


def refusal(name: str, words: Words) -> str:
    """What is said where there is no page to show."""
    said = {
        "no_link": words.plain("This link is not valid (any more). Ask the data keeper for a new one."),
        "not_here": words.plain("There is nothing here."),
        "elsewhere": words.plain("Only your agency's own page is here. The data keeper knows where all pages are."),
        "gone": words.plain("This file does not wait any more. Hand it in again."),
        "no_account": words.plain("This link does not speak for that account."),
        "no_file": words.plain("Choose at least one file, then send."),
        "no_figure": words.plain("Fill in at least one row, then send."),
        "bad_form": words.plain("The form did not arrive whole. Open the page again and send once more."),
        "not_whole": words.plain("The file did not arrive whole. Choose it again and send once more."),
        "one_chat": words.plain("Choose one chat archive (ZIP)."),
        "foreign": words.plain("This form was sent from another site. Open the link itself."),
        "too_large": words.plain("Too large: at most {mb} MB a file and {n} files at a time. Nothing was kept.", mb=64, n=20),
        "too_slow": words.plain("The line was silent for too long. Nothing was kept; send once more."),
        "slow": words.plain("Too many requests. Wait a little, then send once more."),
        "busy": words.plain("Many files are arriving at this moment. Wait a little, then send once more."),
        "no_space": words.plain("The server has no room at the moment. Nothing was kept; the data keeper has to make room."),
        "mending": words.plain("The registers are being mended. Nothing was kept; try again later."),
        "fault": words.plain("Something broke on our side. What was not answered was not kept; send once more."),
    }
    return said[name]


def refusal_page(name: str, words: Words, back: str | None) -> str:
    return str(
        render(
            "terima_tolak.html",
            words,
            text=refusal(name, words),
            back=back,
            style=asset("terima.css"),
            script=asset("terima.js"),
            icon=asset("terima-ikon.svg"),
            title=words.plain("Not possible"),
            base=None,
            simulated=False,
            site_name="",
            bahasa=_language(words),
        )
    )


def _language(words: Words) -> str:
    """What keeps the language on the way from page to page."""
    return "" if words.language == "id" else "?bahasa=en"


def _shell(template: str, words: Words, base: str, known: Any, **values: Any) -> str:
    around = {
        "style": asset("terima.css"),
        "script": asset("terima.js"),
        "icon": asset("terima-ikon.svg"),
        "base": base,
        "site_name": known.name if words.language == "id" else known.name_en,
        "simulated": known.simulated,
        "bahasa": _language(words),
    }
    return str(render(template, words, **around, **values))
