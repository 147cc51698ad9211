"""What the posts say: a kind of content per post and a caption from the templates."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

from pipeline.samples.regency import HOSTILE, MAIN

KINDS = ("cerdas", "sehat", "maju", "membangun", "berkeadaban", "darurat", "layanan", "seremonial", "ucapan", "interaktif")
EFFECT = {"seremonial": -0.35, "ucapan": -0.5, "layanan": 0.15, "darurat": 0.6}
OWN = {
    "cerdas": ("disdik", "dap", "dispora"),
    "sehat": ("dinkes", "dp3ap2kb"),
    "maju": (
        "disdagin diskopukm dispar disbudpar distanhorbun diskanak disnaker dpmptsp bappenda dkp pasar-tohaga sayaga-wisata"
    ).split(),
    "membangun": "dpu dpkp dptr dpupr dpkpp dishub dlh tirta-kahuripan dpmd bapperida".split(),
    "berkeadaban": "dinsos disbud satpol-pp bakesbangpol".split(),
    "darurat": ("bpbd", "damkar"),
    "layanan": ("disdukcapil",),
}  # fmt: skip
DISTRICTS = (
    "Cibinong,Gunung Putri,Citeureup,Cileungsi,Jonggol,Babakan Madang,Bojonggede,Ciawi,Cisarua,Leuwiliang,Ciampea,Parung,Kemang,"
    "Rumpin,Jasinga,Cigudeg,Caringin,Ciomas,Dramaga,Tamansari"
).split(",")
HASHTAGS = ("#KabupatenBogor", "#BogorIstimewa", "#DiskominfoKabBogor")
TAILS = (  # decorated letters and signs that every machine's own fonts can draw: pictures of the pages show no empty boxes
    "\n\nInfo lengkap di kantor kecamatan atau call center 112.",
    '\nCatatan: "gratis, tidak dipungut biaya" ☺',
    "\n\n𝗜𝗻𝗳𝗼 𝗣𝗲𝗻𝘁𝗶𝗻𝗴 ☎ 112",
)
HOSTILE_CAPTIONS = (
    "</script><script>alert('kapsi')</script>",
    '<img src=x onerror="alert(1)"> foto kegiatan',
    "javascript:alert(document.domain)",
    '=HYPERLINK("https://contoh.invalid?x="&A1,"klik")',
    "@SUM(1+9)*cmd|' /C calc'!A0",
    "Nilai %{x} dan %{customdata[0]} <extra></extra>",
    "{{7*7}} {% raw %} ${7*7} #{7*7}",
    "Arah tulisan \u202egnalab ini aneh \u200b\u2066",
    '<a href="https://contoh.invalid">pranala</a> <b>tebal</b> $\\href{x}{y}$',
    "-2+3+cmd|' /C calc'!A0",
    "Baris\nbaru, koma, \"kutip\" dan 'petik' \\ akhir",
    "Panjang " + "sekali " * 1427 + "tamat",
)


@cache
def templates() -> dict[str, list[str]]:
    text = (Path(__file__).parent / "captions.json").read_text("utf-8")
    captions: dict[str, list[str]] = json.loads(text)["captions"]
    return captions


@cache
def mixture(agency_id: str) -> np.ndarray:
    """70 % own subject, 20 % ceremonies and greetings, 10 % the rest; a district's own subject is a bit of everything."""
    own = [k for k, who in OWN.items() if agency_id in who]
    weights = dict.fromkeys(KINDS, 0.10 / 7)
    weights["layanan"] += 0.10
    weights["interaktif"] += 0.05
    for kind in own or (["layanan", *KINDS[:5]] if not own or agency_id == MAIN else own):
        weights[kind] += 0.55 / len(own or range(6))
    weights["seremonial"] += 0.13
    weights["ucapan"] += 0.07
    total = np.array([weights[k] for k in KINDS])
    share: np.ndarray = total / total.sum()
    return share


def greeting(day: dt.date, pool: list[str]) -> str:
    """The greeting of the season; the months without a feast of the list get a plain one."""
    season = {8: 2, 11: 0, 2: 1, 3: 3}.get(day.month)
    return "Selamat pagi, warga Kabupaten Bogor. Selamat beraktivitas!" if season is None else pool[season]


def captions(kinds: np.ndarray, days: Sequence[dt.date], agency_id: str, rng: np.random.Generator) -> list[str]:
    if agency_id == HOSTILE:
        return [HOSTILE_CAPTIONS[i % len(HOSTILE_CAPTIONS)] for i in range(len(kinds))]
    n = len(kinds)
    pick, place, number = rng.random(n), rng.integers(0, len(DISTRICTS), n), rng.integers(3, 400, n)
    tag, tail = rng.random(n), rng.random(n)
    district = DISTRICTS[place[0]] if n else ""
    if agency_id.startswith("kec-"):
        district = agency_id[4:].replace("-", " ").title()
    all_templates = [templates()[k] for k in KINDS]
    out = []
    for i, kind in enumerate(kinds.tolist()):
        pool, day = all_templates[kind], days[i]
        if KINDS[kind] == "ucapan":
            pool = [greeting(day, pool)]
        kec = district if agency_id.startswith("kec-") else DISTRICTS[place[i]]
        text = pool[int(pick[i] * len(pool))].format(kec=kec, tgl=day.strftime("%d/%m"), y=day.year, n=number[i])
        if tag[i] < 0.5:
            text += " " + HASHTAGS[int(tag[i] * 6)]
        if tail[i] < 0.12:
            text += TAILS[int(tail[i] * 25)]
        out.append(text)
    return out
