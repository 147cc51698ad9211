"""What every page is made of: escaping, numbers and words, the drawing of a figure, tokens, policy, the vendored bundle."""

import base64
import csv
import hashlib
import io
import re
import subprocess
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser

import plotly.offline
import pytest
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from pipeline import html
from pipeline.html import escape, mini, svg, tokens
from pipeline.html.catalogue import sentences
from pipeline.html.locale import FOLDER, LANGUAGES, Words
from pipeline.pages import chromium

ID, EN = Words("id"), Words("en")


# -- numbers and dates -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (ID.percent(0.0266, 2), "2,66%"),
        (ID.points(0.13), "+0,13 poin"),
        (ID.interval(2.09, 3.64), "95%: 2,09–3,64"),
        (ID.interval(-0.3, 0.6), "95%: −0,30 s.d. +0,60"),
        (ID.interval(0.8, 1.25, kind="times"), "95%: ×0,80–1,25"),
        (ID.interval(1.0042, 2.09, kind="times"), "95%: ×1,004–2,09"),  # certain: it must not read as if it touched 1
        (ID.interval(0.4, 0.9961, kind="times"), "95%: ×0,40–0,996"),
        (ID.interval(0.9, 1.2, kind="change"), "95%: −10% s.d. +20%"),
        (ID.compact(8_400_000), "8,4 jt"),
        (ID.compact(12_345), "12,3 rb"),
        (ID.compact(940), "940"),
        (ID.spoken(8_400_000), "8,4 juta"),
        (ID.spoken(940), "940"),
        (EN.spoken(12_345), "12.3 thousand"),
        (ID.day(date(2026, 10, 31)), "31 Okt 2026"),
        (ID.day_long(date(2026, 11, 30)), "30 November 2026"),
        (ID.day(date(2026, 8, 17)), "17 Agu 2026"),
        (ID.months(date(2026, 8, 1), date(2026, 10, 31)), "Agu–Okt 2026"),
        (ID.months(date(2025, 11, 1), date(2026, 1, 31)), "Nov 2025–Jan 2026"),
        (ID.instant(datetime(2026, 11, 22, 19, 10)), "23 November 2026, 02.10 WIB"),
        (ID.times(1.12), "×1,12"),
        (ID.change(0.88), "−12%"),
        (ID.number(-1234567.5, 1), "−1.234.567,5"),
        (ID.number(-0.001, 2), "0,00"),
        (ID.number(None), "–"),
        (ID.number(float("nan")), "–"),
        (ID.hours(0.5), "30 menit"),
        (ID.hours(14), "14 jam"),
        (ID.hours(84), "3,5 hari"),
        (EN.percent(0.0266, 2), "2.66%"),
        (EN.number(1234567.5, 1), "1,234,567.5"),
        (EN.compact(8_400_000), "8.4 m"),
        (EN.instant(datetime(2026, 11, 22, 19, 10)), "23 November 2026, 02:10 WIB"),
        (str(ID.join(["A", "B", "C"])), "A, B, dan C"),
        (str(EN.join(["A", "B"])), "A and B"),
    ],
)
def test_numbers_are_written_as_the_locale_writes_them(seen, expected):
    assert seen == expected


@given(st.floats(allow_nan=True, allow_infinity=True), st.integers(0, 4))
def test_no_number_is_written_with_a_hyphen_or_as_nan(value, digits):
    text = ID.number(value, digits, signed=True)
    assert "-" not in text and "nan" not in text.lower() and "inf" not in text.lower()


# -- catalogues ------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("language", LANGUAGES)
def test_catalogue_is_complete_and_every_placeholder_matches(language):
    with (FOLDER / language / "LC_MESSAGES" / "terukur.po").open("rb") as file:
        catalogue = {(m.id if isinstance(m.id, str) else m.id[0]): m for m in read_po(file) if m.id}
    wanted = {m if isinstance(m, str) else m[0] for m in sentences()}
    assert set(catalogue) == wanted, "run python -m pipeline.html.catalogue"
    for key, message in catalogue.items():
        assert not message.fuzzy, key
        forms = [message.string] if isinstance(message.string, str) else list(message.string)
        assert all(forms) and len(forms) == (1 if isinstance(message.id, str) or language == "id" else 2), key
        holes = set(re.findall(r"{(\w+)}", key if isinstance(message.id, str) else message.id[1]))
        assert all(set(re.findall(r"{(\w+)}", form)) <= holes | {"n"} for form in forms), key
        assert all(holes - {"n"} <= set(re.findall(r"{(\w+)}", form)) for form in forms), key


def test_sentences_escape_what_fills_them_and_keep_markup():
    assert ID._("{name}: no data for this period", name="<b>&") == "&lt;b&gt;&amp;: tidak ada data untuk periode ini"
    assert ID._("{name}: no data for this period", name=Markup("<b>x</b>")) == "<b>x</b>: tidak ada data untuk periode ini"
    assert EN.ngettext("{n} agency improved", "{n} agencies improved", 1) == "1 agency improved"
    assert EN.ngettext("{n} agency improved", "{n} agencies improved", 2) == "2 agencies improved"


# -- text from outside -----------------------------------------------------------------------------------------------------------
NASTY = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "{{7*7}}",
    "%{x}",
    "$\\alpha$",
    "\u202egnp.exe",
    "a\u200bb\x00c",
]


@pytest.mark.parametrize("text", NASTY)
def test_plotly_text_has_no_markup_left(text):
    shown = escape.teks(text)
    assert "<" not in shown and ">" not in shown and "%{" not in shown and "$" not in shown
    assert not re.search("[\u202a-\u202e\u200b-\u200f\x00]", shown)


@given(st.text())
def test_script_data_cannot_end_its_block(text):
    data = escape.script_data({"t": text})
    assert "<" not in data and ">" not in data and "\u2028" not in data


@given(st.text(max_size=40), st.booleans())
def test_csv_text_is_never_a_formula_and_reads_back(text, excel):
    content = escape.csv_bytes(["a", "b"], [[text, -1.5]], excel=excel).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(content, newline=""), delimiter=";" if excel else ","))
    assert len(rows) == 2 and rows[1][1] == ("-1,5" if excel else "-1.5")
    assert not rows[1][0] or rows[1][0][0] not in "=+-@\t\r\n＝＋－＠"
    kept = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]", "", text)
    assert rows[1][0].removeprefix("'") == kept.removeprefix("'")


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://www.facebook.com/a/posts/1", "https://www.facebook.com/a/posts/1"),
        ("http://x.com/a/status/1", "https://x.com/a/status/1"),
        ("javascript:alert(1)", None),
        ("https://facebook.com.evil.example/", None),
        ("https://evilfacebook.com/", None),
        ("https://facebook.com@evil.example/", None),
        ('https://facebook.com/"onmouseover=1', None),
        ("https://[", None),
        (None, None),
    ],
)
def test_only_known_platforms_become_links(url, safe):
    assert escape.safe_link(url) == safe


def test_templates_never_switch_escaping_off():
    for path in html.TEMPLATES.glob("*.html"):
        assert "|safe" not in path.read_text(encoding="utf-8").replace(" ", ""), path.name
        assert "{% autoescape" not in path.read_text(encoding="utf-8"), path.name


# -- drawing ---------------------------------------------------------------------------------------------------------------------
AXES = {
    "xaxis": {"range": [0, 10], "tickvals": [0, 10], "ticktext": ["0", "10"]},
    "yaxis": {"range": [0, 1], "tickvals": [0, 1], "ticktext": ["0", "1"]},
}


def figure(trace: dict, **layout) -> dict:
    return {
        "data": [trace],
        "layout": {
            "width": 200,
            "height": 100,
            "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
            "font": {"color": tokens.colour("ink2")},
            **AXES,
            **layout,
        },
    }


def drawn(spec: dict) -> str:
    return str(svg.draw(spec, name="t", label="Uji"))


DOT = {"type": "scatter", "mode": "markers", "x": [5], "y": [0.5], "marker": {"color": tokens.colour("up"), "size": 8}}


def test_marks_lie_where_plotly_puts_them():
    assert '<circle cx="100" cy="50" r="4" class="f-up"/>' in drawn(figure(DOT))
    log = figure({**DOT, "x": [10]}, xaxis={"type": "log", "range": [0, 2], "tickvals": [1], "ticktext": ["1"]})
    assert 'cx="100"' in drawn(log)
    line = {
        "type": "scatter",
        "mode": "lines",
        "x": [0, 5, None, 10],
        "y": [0, 1, None, 1],
        "line": {"color": tokens.colour("brand")},
    }
    assert 'd="M0,100L100,0"' in drawn(figure(line))
    bar = {"type": "bar", "x": [2, 4], "y": [1, 0.5], "marker": {"color": tokens.colour("amber")}}
    assert '<rect x="20" y="0" width="40" height="100" class="f-amber"/>' in drawn(figure(bar, bargap=0))


@pytest.mark.parametrize(
    "spec",
    [
        figure({"type": "heatmap", "z": [[1]]}),
        figure({**DOT, "error_y": {"array": [1]}}),
        figure({**DOT, "mode": "text"}),
        figure({**DOT, "fill": "tozeroy"}),
        figure({**DOT, "marker": {"color": "#123456"}}),
        figure({**DOT, "marker": {"color": tokens.colour("up"), "symbol": "star"}}),
        figure({**DOT, "x": [50]}),
        figure(DOT, title={"text": "x"}),
        figure(DOT, xaxis={"range": [0, 10]}),
        figure(DOT, xaxis={**AXES["xaxis"], "rangeslider": {}}),
        figure(DOT, shapes=[{"type": "circle", "x0": 0, "x1": 1, "y0": 0, "y1": 1}]),
        figure(DOT, annotations=[{"text": "<a href='x'>x</a>", "x": 1, "y": 1}]),
        figure(DOT, annotations=[{"text": "x", "x": 1, "y": 1, "showarrow": True}]),
    ],
)
def test_what_cannot_be_drawn_raises(spec):
    with pytest.raises(svg.UnknownMark):
        drawn(spec)


def test_text_in_a_drawing_is_text():
    note = {
        "text": f"<b>{escape.teks('<script>x</script> & y')}</b><br>dua",
        "x": 5,
        "y": 0.5,
        "font": {"color": tokens.colour("ink")},
    }
    out = drawn(figure(DOT, annotations=[note]))
    assert "&lt;script&gt;x&lt;/script&gt; &amp; y" in out and "<script" not in out and out.count("<tspan") == 3


@given(st.lists(st.one_of(st.none(), st.floats(0.1, 10)), max_size=13))
def test_sparkline_leaves_gaps_open(values):
    out = str(mini.sparkline(values))
    seen = [v for v in values if v is not None]
    assert (out == "") == (not seen)
    runs = sum(v is not None and (i == 0 or values[i - 1] is None) for i, v in enumerate(values))
    assert out.count("M") == runs


# -- tokens, policy, bundle
# --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_contrast_of_the_tokens(theme):
    colours = {name: shade[theme] for name, shade in tokens.tokens()["colour"].items()}
    pairs = [
        ("ink", "surface"),
        ("ink", "bg"),
        ("ink2", "surface"),
        ("ink2", "bg"),
        ("ink3", "surface"),
        ("brand", "surface"),
        ("brand", "bg"),
    ]
    pairs += [
        ("up", "upbg"),
        ("down", "downbg"),
        ("warn", "warnbg"),
        ("brand", "brandbg"),
        ("ink2", "surface2"),
        ("up", "surface"),
        ("down", "surface"),
    ]
    pairs += [("onamber", "amber"), ("ink2", "neutralbg"), ("ink2", "brandbg"), ("ink", "band"), ("ink", "band2")]
    for text, ground in pairs:
        assert tokens.contrast(colours[text], colours[ground]) >= 4.5, (theme, text, ground)
    for mark in ("neutral", "amber", "c1", "c2", "c3", "c4", "c5", "c6"):
        assert tokens.contrast(colours[mark], colours["surface"]) >= 3, (theme, mark)


def test_bundle_is_the_one_plotly_carries():
    assert plotly.offline.get_plotlyjs_version() == html.PLOTLY_VERSION
    source = html.plotly_source()
    assert f"plotly.js (basic - minified) v{html.PLOTLY_VERSION}".encode() in source[:300]
    assert b"MIT" in (tokens.ASSETS / "LICENSE-plotly.txt").read_bytes()


def page(**values) -> str:
    return html.shell(
        Markup("<h1>Judul</h1>"),
        ID,
        title="Uji",
        site_name="Kab. Uji",
        nav=[],
        simulated=True,
        built="kini",
        period="Okt 2026",
        **values,
    )


@pytest.mark.parametrize("single", [True, False])
def test_policy_allows_the_page_script_and_nothing_unnamed(single):
    text = page(figures={"a": {}}, single=single, engine="aset/p.js")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text).group(1).replace("&#39;", "'")
    inline = re.findall(r"<script>(.*?)</script>", text, re.S)
    assert len(inline) == 1
    digest = base64.b64encode(hashlib.sha256(inline[0].encode()).digest()).decode()
    assert f"'sha256-{digest}'" in policy and "unsafe-inline" not in policy.split("style-src")[0] and "unsafe-eval" not in policy
    assert ("file:" in policy) is not single
    assert ('id="mesin"' in text) is single


def test_a_page_carries_the_day_its_data_reach_and_the_limit_its_reader_is_told_of():
    text = page(until="2026-10-31", age_limit=10)
    assert 'data-sampai="2026-10-31" data-batas="10" hidden' in text and "berhenti {n} hari lalu" in text
    assert 'id="umur"' not in page()


@pytest.mark.skipif(not chromium(), reason="no Chromium")
@pytest.mark.parametrize(("age", "told"), [(11, True), (9, False)])
def test_only_old_pages_say_how_old_they_are(age, told, tmp_path):
    day = datetime.now(UTC) - timedelta(days=age, hours=1)
    place = tmp_path / "p.html"
    place.write_text(page(until=f"{day:%Y-%m-%dT%H:%M:%SZ}", age_limit=10, single=True), encoding="utf-8")
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom"]
    dom = subprocess.run([chromium(), *flags, place.as_uri()], capture_output=True, text=True, timeout=120).stdout
    assert (f"berhenti {age} hari lalu." in dom.partition('id="kata"')[0]) is told


def test_simulated_label_stands_on_screen_and_paper():
    text = page()
    assert "DATA SIMULASI – bukan angka sebenarnya" in text and re.search(r"@bottom-left\{content:\"[^\"]*DATA SIMULASI", text)


class Ends(HTMLParser):
    """Open elements must all be closed, in order."""

    VOID = frozenset(("meta", "link", "input", "br", "img", "hr"))

    def __init__(self):
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_shell_is_well_formed():
    parser = Ends()
    parser.feed(page(figures={"a": {}}))
    assert parser.open == []
