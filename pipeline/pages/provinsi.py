"""Pages of a province: regencies side by side inside a platform, and accounts beside those like them in all regencies."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.engine.versions import Version
from pipeline.html import render, shell
from pipeline.html.escape import file_part, tampil
from pipeline.html.locale import LANGUAGES, Words
from pipeline.pages import SiteResult, _check_page, _door_of, _publish, _sweep, _write
from pipeline.pages.common import peer_label, platform_name

Rows = list[dict[str, Any]]


class Province:
    """What the pages read of one united version."""

    def __init__(self, version: Version):
        self.info = version.info
        self.regencies = version.table("core.regencies").sort("name").to_dicts()
        self.names = {row["regency_id"]: tampil(row["name"], 80) for row in self.regencies}
        self.agencies = {(a["regency_id"], a["agency_id"]): a for a in version.table("core.agencies").to_dicts()}
        self.regency_platform: Rows = version.table("estimates.regency_platform").to_dicts()
        self.peers: Rows = version.table("estimates.peer_platform").to_dicts()
        self.places: Rows = version.table("estimates.account_places").to_dicts()
        self.platforms = sorted({row["platform"] for row in self.regency_platform})
        self.groups = sorted({row["peer_group"] for row in self.places if row["peer_group"]})


def build(version: Version, site_root: Path) -> SiteResult:
    """All pages of a province's version, in both languages, moved into place in one step."""
    found = Province(version)
    site_root.mkdir(parents=True, exist_ok=True)
    _sweep(site_root)
    staging = Path(tempfile.mkdtemp(prefix=f".susun-{os.getpid()}-", dir=site_root))
    pages = []
    try:
        for language in LANGUAGES:
            for path, make in _jobs(found):
                text = make(Words(language))
                _check_page(text, version.name, path)
                _write(staging / language / path, text.encode())
                pages.append(f"{language}/{path}")
        _write(staging / "index.html", _door_of(version.name, LANGUAGES).encode())
        return _publish(staging, site_root, file_part(version.name), pages, version.name, [])
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _jobs(found: Province) -> Iterator[tuple[str, Callable[[Words], str]]]:
    yield "index.html", partial(_index, found)
    for platform in found.platforms:
        yield _platform_path(platform), partial(_platform, found, platform=platform)
    for group in found.groups:
        yield _group_path(group), partial(_group, found, group=group)


def _platform_path(platform: str) -> str:
    return f"platform-{file_part(platform)}.html"


def _group_path(group: str) -> str:
    return f"kelompok-{file_part(group)}.html"


def _index(found: Province, w: Words) -> str:
    rows = [
        {
            "name": found.names[r["regency_id"]],
            "cells": [
                w.integer(_agencies(found, r["regency_id"])),
                w.day(r["data_cutoff"] and r["data_cutoff"].date()),
                r["version"],
            ],
        }
        for r in found.regencies
    ]
    heads = [w._("Regency or city"), w._("Agencies"), w._("Data to"), w._("Version")]
    parts = [{"title": w._("Regencies united here"), "note": "", "heads": heads, "rows": rows}]
    links = [(_platform_path(p), platform_name(p)) for p in found.platforms]
    links += [(_group_path(g), peer_label(g, w)) for g in found.groups]
    n = len(found.regencies)
    title = w.ngettext("{n} regency, with its own figures", "{n} regencies, each with its own figures", n)
    lede = [w._("Compared are accounts of one platform in one peer group. Platforms are never added up, and there is no rank.")]
    return _page(found, w, "index.html", title, lede, parts, links)


def _agencies(found: Province, regency: str) -> int:
    return sum(key[0] == regency for key in found.agencies)


def _platform(found: Province, w: Words, *, platform: str) -> str:
    rows = [
        {
            "name": found.names[r["regency_id"]],
            "cells": [
                w.integer(r["accounts"]),
                w.integer(r["accounts_known"]),
                w.integer(r["posts"]),
                w.percent(r["coverage"]),
                w.percent(r["median"], 1) if r["median"] is not None else w._("too few accounts to compare"),
            ],
        }
        for r in sorted(found.regency_platform, key=lambda r: found.names[r["regency_id"]])
        if r["platform"] == platform
    ]
    heads = [
        w._("Regency or city"),
        w._("Accounts"),
        w._("Reported"),
        w._("Posts"),
        w._("Days covered"),
        w._("Account in the middle"),
    ]
    note = w._("Response per exposure of the account in the middle; the size of the accounts is not adjusted for.")
    first = {"title": w._("Regencies side by side"), "note": note, "heads": heads, "rows": rows}
    title = w._("{platform} in all regencies", platform=platform_name(platform))
    return _page(found, w, _platform_path(platform), title, [_period(found, w)], [_peer_table(found, w, platform), first], [])


def _peer_table(found: Province, w: Words, platform: str) -> dict[str, Any]:
    rows = [
        {
            "name": peer_label(r["peer_group"], w),
            "cells": [
                w.integer(r["accounts"]),
                w.integer(r["regencies"]),
                w.percent(r["median"], 1) if r["median"] is not None else w._("too few accounts to compare"),
                f"{w.percent(r['q1'], 1)} – {w.percent(r['q3'], 1)}" if r["median"] is not None else "–",
            ],
        }
        for r in found.peers
        if r["platform"] == platform
    ]
    heads = [w._("Peer group"), w._("Accounts"), w._("Regencies"), w._("Account in the middle"), w._("Middle half")]
    note = w._("One line per way in which the platform counts response: figures of two ways are never put together.")
    return {"title": w._("Peer groups of all regencies"), "note": note, "heads": heads, "rows": rows}


def _group(found: Province, w: Words, *, group: str) -> str:
    parts = []
    for platform in found.platforms:
        mine = [r for r in found.places if r["peer_group"] == group and r["platform"] == platform]
        among = sorted({(r["peers"], r["regencies"]) for r in mine})
        rows = [
            {"name": _whose(found, r), "cells": _place(r, w, tell_among=len(among) > 1)}
            for r in sorted(mine, key=lambda r: _whose(found, r))
        ]
        if rows:
            heads = [w._("Agency"), w._("Posts"), w._("Compared with"), w._("Against the account in the middle")]
            if len(among) == 1:  # said once, not in every row
                heads.pop(2)
            note = w._("Compared with: {accounts}.", accounts=_among(*among[0], w)) if len(among) == 1 else ""
            parts.append({"title": platform_name(platform), "note": note, "heads": heads, "rows": rows})
    note = w._("1× is the account in the middle of this peer group in all regencies. Size of the following is not adjusted for.")
    return _page(found, w, _group_path(group), peer_label(group, w), [_period(found, w), note], parts, [])


def _whose(found: Province, row: dict[str, Any]) -> str:
    agency = found.agencies.get((row["regency_id"], row["agency_id"]), {})
    return f"{tampil(agency.get('short_name') or agency.get('name') or row['agency_id'], 60)} · {found.names[row['regency_id']]}"


def _among(peers: int, regencies: int, w: Words) -> str:
    return str(w._("{n} accounts of {m} regencies", n=w.integer(peers), m=w.integer(regencies)))


def _place(row: dict[str, Any], w: Words, *, tell_among: bool) -> list[Any]:
    first = [w.integer(row["posts"]), *([_among(row["peers"], row["regencies"], w)] if tell_among else [])]
    if row["reason"] == "FEW_POSTS":
        return [*first, w._("too few posts to say")]
    if row["vs_peers"] is None:
        return [*first, w._("too few accounts to compare")]
    between = w._("about {lower} to {upper}", lower=w.times(row["lower"]), upper=w.times(row["upper"]))
    if row["lower"] <= 1 <= row["upper"]:
        said = w._("within the usual ups and downs")
    else:
        said = w._("above the middle") if row["lower"] > 1 else w._("below the middle")
    return [*first, f"{said}: {between}"]


def _period(found: Province, w: Words) -> str:
    return str(w._("Judged months: {months}.", months=w.months(found.info["judged_start"], found.info["judged_end"])))


def _page(
    found: Province,
    w: Words,
    path: str,
    title: Any,
    lede: Sequence[Any],
    parts: Sequence[dict[str, Any]],
    links: Sequence[tuple[str, str]],
) -> str:
    cutoff = found.info["data_cutoff"]
    opening = {
        "headline": title,
        "lede": list(lede),
        "kind": w._("Province"),
        "csv": None,
        "extra": "",
        "month": w.months(found.info["judged_start"], found.info["judged_end"]),
        "cutoff": w._("Data to {day}", day=w.day(cutoff.date()) if cutoff else "–"),
        "built": w._("Built {instant}", instant=w.instant(found.info["built_at"])),
    }
    nav = [{"url": "index.html", "label": w.plain("Overview"), "here": path == "index.html"}]
    nav += [{"url": _platform_path(p), "label": platform_name(p), "here": path == _platform_path(p)} for p in found.platforms]
    return shell(
        render("provinsi.html", w, p=opening, parts=parts, links=links),
        w,
        title=str(title),
        site_name=tampil(found.info["workspace_name"], 80),
        nav=nav,
        simulated=bool(found.info["simulated"]),
        built=w.instant(found.info["built_at"]),
        period=w.months(found.info["judged_start"], found.info["judged_end"]),
        twin=f"../{w.other}/{path}",
        version=str(found.info["version"]),
    )
