"""Many regencies: their versions united (`gabung`), and packs of distributions that carry no account (`paket`)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline import night
from pipeline.cli.app import Session, command


@command
def gabung(
    session: Session,
    places: Annotated[list[Path], typer.Argument(metavar="RUANG_KERJA…", help="Ruang kerja tiap daerah. / Workspaces.")],
    target: Annotated[Path, typer.Option("--ke", metavar="FOLDER", help="Folder provinsi. / The province's folder.")],
    name: Annotated[str, typer.Option("--nama", help="Nama provinsi. / The province's name.")] = "Provinsi",
) -> None:
    """Menggabungkan versi terbit banyak daerah, tanpa unggahannya. / Unite published versions, without their posts."""
    from pipeline.pages import provinsi
    from pipeline.province import unite
    from pipeline.settings import Workspace

    chosen = [Workspace(place.expanduser().absolute()) for place in places]
    to = Workspace(target.expanduser().absolute())
    if any(to.root.resolve() == one.root.resolve() for one in chosen) or to.registry.exists():
        session.stop(
            night.USAGE,
            f"{target} adalah ruang kerja sebuah daerah; pilih folder lain untuk provinsi.",
            f"{target} is a regency's workspace; choose another folder for the province.",
        )
    with night.alone(to), unite.unite(chosen, to, name) as version:
        made = provinsi.build(version, to.site)
        rows = sum(version.sql("SELECT rows FROM meta.tables")["rows"])
    session.say(
        f"{len(chosen)} daerah digabung menjadi versi {made.version} ({rows} baris, {made.pages} halaman).",
        f"{len(chosen)} regencies united as version {made.version} ({rows} rows, {made.pages} pages).",
    )
    typer.echo(str(to.site / "latest" / session.language / "index.html"))


@command
def paket(
    session: Session,
    target: Annotated[Path | None, typer.Option("--ke", metavar="BERKAS", help="Yang ditulis. / To write.")] = None,
    source: Annotated[Path | None, typer.Option("--muat", metavar="BERKAS", help="Yang dimuat. / To load.")] = None,
) -> None:
    """Paket sebaran tanpa akun: menulis, atau memuat milik daerah lain. / Packs of distributions without accounts."""
    from pipeline.engine import versions
    from pipeline.province import pack

    if (target is None) == (source is None):
        session.stop(night.USAGE, "Pilih satu: --ke BERKAS atau --muat BERKAS.", "Choose one: --ke FILE or --muat FILE.")
    with night.alone(session.workspace):
        if source is not None:
            kept = pack.load(session.workspace, source)
            session.say(
                f"Dimuat: {kept.name}. Malam berikutnya memakainya untuk kelompok yang terlalu kecil.",
                f"Loaded: {kept.name}. The next night uses it for groups that are too small.",
            )
            return
        if target is None:
            raise AssertionError("one of the two is given")
        with versions.open_version(session.workspace) as version:
            cells = pack.write(session.workspace, version, target)
    session.say(f"{target}: {cells} sebaran, tanpa satu akun pun.", f"{target}: {cells} distributions, not one account.")
