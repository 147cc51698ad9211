"""`terukur terima`: the door through which agencies hand in files, its links and cards, the mailbox, the chat archive."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline import night
from pipeline.cli.app import AsJson, Language, Place, Session, command
from pipeline.cli.app import app as program

if TYPE_CHECKING:
    from pipeline.desk.directory import Directory
    from pipeline.desk.links import Made
    from pipeline.settings import Workspace

group = typer.Typer(
    name="terima",
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Halaman kirim berkas, tautan, kartu, surel, obrolan. / The hand-in page, its links, cards, mailbox and chats.",
)
program.add_typer(group)
verb = partial(command, group=group)
AgencyName = Annotated[str | None, typer.Argument(help="agency_id; kosong dengan --pengelola. / empty with --pengelola")]
Address = Annotated[
    str | None, typer.Option("--alamat", help="Alamat umum halaman, misalnya https://kirim.bogorkab.go.id. / Public address.")
]
PORT = 8090


@group.callback()
def terima(
    context: typer.Context,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Porta. / Port.")] = PORT,
    host: Annotated[str, typer.Option("--host", help="Alamat untuk didengarkan. / Address to listen on.")] = "127.0.0.1",
    behind_proxy: Annotated[
        bool, typer.Option("--di-balik-proxy", help="Ada proksi TLS di depannya. / A reverse proxy with TLS is in front.")
    ] = False,
    workspace: Place = None,
) -> None:
    """Halaman kirim berkas, tautan, kartu, surel, obrolan. / The hand-in page, its links, cards, mailbox and chats."""
    context.obj = workspace if workspace is not None else context.obj
    if context.invoked_subcommand is not None:
        return
    from pipeline.desk.serve import serve

    session = Session(context.obj)

    def ready() -> None:
        where = f"http://{host}:{port}"
        session.say(f"Halaman kirim: {where} (berhenti: Ctrl-C)", f"Hand-in page: {where} (stop: Ctrl-C)")

    serve(session.workspace, host=host, port=port, behind_proxy=behind_proxy, ready=ready)


@verb
def tautan(
    session: Session,
    agency: AgencyName = None,
    account: Annotated[str | None, typer.Option("--account", "-a", help="Hanya untuk akun ini. / For this account only.")] = None,
    keeper: Annotated[bool, typer.Option("--pengelola", help="Tautan pengelola data. / The data keeper's link.")] = False,
    renew: Annotated[bool, typer.Option("--perbarui", help="Cabut tautan lamanya. / Revoke the old one.")] = False,
    revoke: Annotated[
        bool, typer.Option("--cabut", help="Cabut: id tautan, akun, atau perangkat daerah. / Revoke only.")
    ] = False,
    listed: Annotated[bool, typer.Option("--daftar", help="Tautan yang berlaku. / Links that are valid.")] = False,
    address: Address = None,
    as_json: AsJson = False,
) -> None:
    """Membuat tautan rahasia; tampil sekali saja. / Make a secret link; it is shown once."""
    from pipeline.desk import links

    if listed:
        return _list(session, as_json)
    if revoke:
        return _revoke(session, agency or account or "", as_json)
    agency_id, account_id = _whose(session, agency, account, keeper=keeper)
    made = links.make(session.workspace, agency_id, account_id, renew=renew)
    whole = made.address(_base(session.workspace, address))
    if as_json:
        typer.echo(json.dumps(_told(made, whole)))
        return None
    typer.echo(whole)
    session.say(
        "Simpan sekarang: tautan ini tidak dapat ditampilkan lagi. Cetak kartunya dengan 'terukur terima kartu'.",
        "Keep it now: this link cannot be shown again. 'terukur terima kartu' prints a card.",
        error=True,
    )
    return None


def _told(made: Made, whole: str) -> dict[str, Any]:
    link = made.link
    return {
        "link": whole,
        "path": made.path,
        "link_id": link.link_id,
        "role": link.role,
        "agency_id": link.agency_id,
        "account_id": link.account_id,
        "made_at": link.made_at.isoformat(),
    }


def _list(session: Session, as_json: bool) -> None:
    from pipeline.cli import screen
    from pipeline.desk import links

    valid = [link for link in links.load(session.workspace.registry) if link.revoked_at is None]
    if as_json:
        for link in valid:
            typer.echo(json.dumps(link.model_dump(mode="json", exclude={"salt", "hash"})))
        return
    rows = [(x.link_id, x.role, x.agency_id or "", x.account_id or "", f"{x.made_at:%Y-%m-%d}") for x in valid]
    titles = (("id", "peran", "perangkat daerah", "akun", "dibuat"), ("id", "role", "agency", "account", "made"))
    columns = titles[0] if session.language == "id" else titles[1]
    screen.console().print(screen.listing(session.words("Tautan yang berlaku", "Valid links"), columns, rows))


def _revoke(session: Session, which: str, as_json: bool) -> None:
    from pipeline.desk import links

    ended = links.revoke(session.workspace, which) if which else []
    if not ended:
        session.stop(night.USAGE, f"Tidak ada tautan yang berlaku untuk '{which}'.", f"No valid link for '{which}'.")
    if as_json:
        typer.echo(json.dumps({"revoked": [link.link_id for link in ended]}))
    else:
        session.say(f"Dicabut: {len(ended)} tautan.", f"Revoked: {len(ended)} links.")


def _whose(session: Session, agency: str | None, account: str | None, *, keeper: bool) -> tuple[str | None, str | None]:
    """Agency and account of a new link, checked against the registry."""
    from pipeline.registry import nearest

    if keeper:
        return None, None
    known = _directory(session)
    if account is not None:
        found = known.accounts.get(account)
        if found is None or (agency is not None and agency != found.agency_id):
            near = nearest(account, list(known.accounts))
            session.stop(night.USAGE, f"Akun '{account}' tidak ada{near[0]}", f"No account '{account}'{near[1]}")
        assert found is not None
        return found.agency_id, account
    if agency is None:
        session.stop(night.USAGE, "Sebutkan perangkat daerahnya (agency_id).", "Name the agency (agency_id).")
    assert agency is not None
    if agency not in known.agencies:
        near = nearest(agency, list(known.agencies))
        session.stop(night.USAGE, f"Perangkat daerah '{agency}' tidak ada{near[0]}", f"No agency '{agency}'{near[1]}")
    return agency, None


def _directory(session: Session) -> Directory:
    import datetime as dt

    from pipeline import registry
    from pipeline.desk.book import WIB
    from pipeline.desk.directory import directory

    return directory(registry.load(session.workspace.registry), dt.datetime.now(WIB).date())


def _base(workspace: Workspace, address: str | None) -> str:
    """Where the page is reached: as told, as set, or on this machine while it runs here."""
    from pipeline.desk.serve import running
    from pipeline.settings import Settings, settings

    known = settings().door_address
    here = running(workspace)
    if address is None and here and known == Settings.model_fields["door_address"].default:
        return f"http://127.0.0.1:{here['port']}"
    return address or known


@verb
def kartu(
    session: Session,
    agencies: Annotated[list[str] | None, typer.Argument(help="agency_id, boleh beberapa. / one or more")] = None,
    everyone: Annotated[bool, typer.Option("--semua", help="Semua yang punya akun. / All that have accounts.")] = False,
    renew: Annotated[bool, typer.Option("--perbarui", help="Cabut tautan lamanya. / Revoke the old ones.")] = False,
    out: Annotated[Path, typer.Option("--out", "-o", help="Berkas PDF. / PDF file.")] = Path("kartu.pdf"),
    address: Address = None,
    language: Language = None,
) -> None:
    """Kartu A4 dengan kode QR; membuat tautan baru. / A4 cards with QR codes; makes new links."""
    from pipeline.desk import links, paper
    from pipeline.html.locale import Words

    known, tongue = _directory(session), session.tongue(language)
    chosen = [a for a in known.agencies.values() if a.accounts] if everyone else []
    for name in agencies or []:
        agency_id, _ = _whose(session, name, None, keeper=False)
        chosen.append(known.agencies[str(agency_id)])
    if not chosen:
        session.stop(night.USAGE, "Sebutkan perangkat daerahnya, atau --semua.", "Name the agencies, or --semua.")
    base = _base(session.workspace, address)
    made = [links.make(session.workspace, agency.agency_id, renew=renew) for agency in chosen]
    cards = [paper.Card(agency.name, "", m.address(base)) for agency, m in zip(chosen, made, strict=True)]
    region = known.name if tongue == "id" else known.name_en
    paper.write(cards, out, Words(tongue), f"Diskominfo {region}")
    session.say(f"{out}: {len(cards)} kartu. Ini kunci: simpan.", f"{out}: {len(cards)} cards. They are keys.")


@verb
def obrolan(
    session: Session,
    files: Annotated[list[Path], typer.Argument(help="Ekspor obrolan WhatsApp (ZIP). / WhatsApp chat exports.")],
    order: Annotated[str | None, typer.Option("--urutan", help="Tanggal di obrolan: dmy atau mdy. / Dates: dmy or mdy.")] = None,
    as_json: AsJson = False,
) -> None:
    """Lampiran ekspor obrolan, ke akun pengirimnya. / Attachments of a chat export, each to its sender's account."""
    import shutil

    from pipeline.desk import keeper
    from pipeline.desk.mailbox import hands

    if order not in (None, "dmy", "mdy"):
        session.stop(night.USAGE, f"Urutan '{order}' tidak ada: dmy, mdy.", f"No order '{order}': dmy, mdy.")
    status = night.DONE
    with hands(session.workspace, "chat") as (reader, place):
        for path in files:
            if not path.is_file():
                session.stop(night.USAGE, f"Tidak ada: {path}", f"Not found: {path}")
            ticket = place.open("chat", path.name)
            try:
                shutil.copyfile(path, ticket.body)
                now = _now()
                told = keeper.read_chat(session.workspace, reader, place, _directory(session), ticket, order, now)
            finally:
                ticket.discard()
            status = max(status, _say(session, told.answers, as_json))
            if told.problem:
                session.say(f"{path.name}: {told.problem.id}", f"{path.name}: {told.problem.en}", error=True)
                status = max(status, night.USAGE)
            if told.strangers:
                n = len(told.strangers)
                session.say(
                    f"{n} pengirim belum dikenal; tambahkan di registry/senders.csv.",
                    f"{n} senders are not known; add them to registry/senders.csv.",
                    error=True,
                )
                status = max(status, night.PARTLY)
    raise typer.Exit(status)


def _now() -> Any:
    import datetime as dt

    return dt.datetime.now(dt.UTC)


def _say(session: Session, answers: list[tuple[str, Any]], as_json: bool) -> int:
    """Print what was answered; the status says whether something needs a person."""
    from pipeline.desk import verdicts
    from pipeline.desk.book import WIB
    from pipeline.desk.coverage import Covered
    from pipeline.html.locale import Words

    found = [answer for _, answer in answers]
    if as_json:
        for answer in found:
            typer.echo(json.dumps(answer.record, ensure_ascii=False))
    else:
        words, today = Words(session.language), _now().astimezone(WIB).date()
        for text in verdicts.in_words(found, words, _directory(session), lambda _: Covered(), today):
            typer.echo(text)
    return night.DONE if all(a.outcome in ("accepted", "duplicate") for a in found) else night.PARTLY


@verb
def surel(
    session: Session,
    every: Annotated[
        int | None, typer.Option("--tiap", min=30, help="Ulangi tiap sekian detik. / Look again every so many seconds.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Lampiran kotak surel, dibalas dengan putusannya. / Attachments of the mailbox, answered with the verdict."""
    import time

    from pipeline.desk import mailbox

    while True:
        told = mailbox.collect(session.workspace)
        status = _say(session, told.answers, as_json)
        if told.strangers:
            session.say(
                f"{told.strangers} surel dari pengirim yang tidak dikenal dibiarkan.",
                f"{told.strangers} mails of unknown senders were left alone.",
                error=True,
            )
        if every is None:
            raise typer.Exit(status)
        time.sleep(every)
