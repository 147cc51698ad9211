"""The reader as plain Python, cell by cell and row by row: the oracle that the reader is compared with.

Finding the tables of a file (tokeniser, recognition, sheets) and reading single cells (`values`, `dates`, `clocks`) are the
reader's own; they are tested by themselves. Everything between is written here a second time, one table at a time, with no
thought for speed.
"""

import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import polars as pl

from pipeline.exports import Job, clocks, contents, dates, guards, ownership, placeholders, scope, values
from pipeline.exports.header import note_header, plan_of, shown
from pipeline.exports.messages import Refused
from pipeline.exports.model import Shared
from pipeline.exports.prepared import Prepared, export_of
from pipeline.exports.provenance import end_of_day
from pipeline.exports.source import crash, load, parts_of, refusal, source_of
from pipeline.exports.text import trim
from pipeline.exports.typed import Typed
from pipeline.exports.workbook import DayTime, Unreadable
from pipeline.formats import Notes, normalise

BATCH = 128
FRESH = timedelta(days=45)
EXCEL_CAPS = (500, 1_000, 5_000, 65_535, 1_048_575)
TOTAL = re.compile(r"(grand |sub)?total( .*)?|jumlah( .*)?|rata-rata( .*)?|average( .*)?|sum")
TEXT_KINDS = ("text", "url", "enum", "time")


def read(path, *, registry=None, limits=None, **about):
    """Every export in a file, as `pipeline.exports.read`."""
    job = Job(path, **about)
    taught = tuple(getattr(registry, "mappings", ()))
    source = source_of(job, ownership.Accounts(registry), limits or guards.Limits(), taught)
    try:
        data = load(path, source)
        source = replace(source, sha256=guards.sha256(data))
        exports = [e for part in parts_of(data, source) for e in _exports(part)]
    except Refused as refused:
        return [refusal(source, refused)]
    return scope.settle(exports)


def _exports(part):
    contents.look_into(part)
    if part.error:
        raise part.error
    found = []
    for item in part.found:
        if isinstance(item, Prepared):
            item.result = _result(item)
            found.append((item, export_of(item)))
        else:
            found.append((None, item))
    if part.kind not in ("csv", "json"):
        contents.settle_sheets(found)
    return [export for _, export in found]


def _result(prepared):
    try:
        return read_table(prepared.form, prepared.table, prepared.around)
    except Refused as refused:
        return refused
    except Exception as error:
        return crash(error)


def read_table(form, table, around):
    """Header to columns, structure, text to values, clocks, hooks, repairs, rules, uniqueness; in this order."""
    if form.reshape:
        table = form.reshape(replace(table, records=[(row, list(cells)) for row, cells in table.records]))
    notes = Notes()
    plan = plan_of(form, table.records[0][1])
    header, columns = list(plan.header), list(plan.columns)
    body, total = _body(form, table.records, header, columns, notes)
    padded = _same_width(form, body, len(header), around)
    if around.open_end and form.ends_with_newline:
        raise Refused("TRUNCATED", place=_place(table.records[-1][0]), seen="baris terakhir/last row")
    body = _without_error_rows(form, body, columns, notes)
    body = _without_placeholders(form, body, columns, notes)
    cells = _cells(form, body, columns, header)
    frame = _values(form, cells, body, around, notes)
    _compare_total(form, columns, total, frame, notes)
    _caps(form, len(body), notes)
    frame = _hooks(form, frame, notes)
    _check_rules(form, frame, notes)
    if padded and not any(r.hard and all(n in frame.columns for n in r.needs) for r in form.checks):
        raise Refused("BAD_STRUCTURE", place=_place(padded), seen="baris pendek tanpa bukti/short rows without proof")
    _check_unique(form, frame)
    if notes.refusals:
        code, place, seen = notes.refusals[0]
        raise Refused(code, place=place, seen=seen)
    note_header(form, plan.report, notes)
    if frame.height == 0:
        notes.flag("NO_ROWS")
    used = {c.field: c for c in columns if c}
    sums, nulls = _summary(used, frame)
    rows = _finish(form, used, frame, table)
    about = (sums, nulls, _span(form, rows), _identities(rows), _captured(frame))
    return Typed(Shared(rows, 0, rows.height), frame.height, plan.report, plan.language, notes, *about)


def _place(row):
    return f"baris/row {row}"


# --- structure


def _body(form, records, header, columns, notes):
    """The data records: without blanks, second header, trailer and total row (returned beside)."""
    described = form.second_header and len(records) > 1 and not re.search(r"[0-9]", (records[1][1] or [""])[0])
    data = records[2:] if described else records[1:]
    body = []
    total = None
    names = [normalise(h) for h in header]
    blanks = 0
    for row, cells in data:
        if not any(cells):
            blanks += 1
            continue
        notes.drop("blank", blanks)
        blanks = 0
        first = normalise(cells[0]) if len(cells[0]) < 80 else ""
        if first == names[0] and [normalise(c) for c in trim(cells)] == names:
            raise Refused("EXTRA_CONTENT", place=_place(row), seen="judul kolom berulang/header twice")
        if (TOTAL.fullmatch(first) or first in form.total_labels) and _is_total(form, columns, first, row):
            if total is not None:
                raise Refused("EXTRA_CONTENT", place=_place(row), seen=cells[0])
            total = cells
            notes.drop("total_row", 1)
            continue
        body.append((row, cells))
    if body and form.one_cell_trailers and _is_trailer(form, body[-1][1]):
        notes.flag("POSSIBLY_CUT", _place(body[-1][0]), body[-1][1][0])
        notes.drop("trailer", 1)
        body.pop()
    return body, total


def _is_total(form, columns, first, row):
    """Is a row labelled so a total? Where the format knows none it is foreign content, unless the column is free text."""
    if first in map(normalise, form.total_labels):
        return True
    column = columns[0]
    if form.grain == "audience" or (column is not None and column.kind not in ("text", "enum", "ignored", "person")):
        raise Refused("EXTRA_CONTENT", place=_place(row), seen=first)
    return False


def _is_trailer(form, cells):
    return len(trim(cells)) == 1 and any(re.fullmatch(p, cells[0].strip()) for p in form.one_cell_trailers)


def _same_width(form, body, width, around):
    """Every record as wide as the header. Pads in place: cells a spreadsheet left out, and declared ragged batches.

    Returns the row of the first record of such a batch, 0 if there is none.
    """
    if around.container != "csv":
        for row, cells in body:
            if any(cells[width:]):
                raise Refused("BAD_STRUCTURE", place=_place(row), seen=f"{len(trim(cells))} > {width}")
            cells[width:] = []
            cells += [""] * (width - len(cells))
        return 0
    padded = max((len(c) for _, c in body), default=width)
    for row, cells in body:
        if len(cells) > width and (any(cells[width:]) or len(cells) != padded):
            raise Refused("BAD_STRUCTURE", place=_place(row), seen=f"{len(cells)} kolom/fields > {width}")
    short = [(i, row) for i, (row, cells) in enumerate(body) if len(cells) < width]
    if short:
        _ragged(form, body, width, short, around)
    for _, cells in body:
        cells[width:] = []
    return short[0][1] if short else 0


def _ragged(form, body, width, short, around):
    """Short rows are allowed only as whole batches of 128 (256 is two), at least one batch being as wide as the header."""
    index, row = short[0]
    batches = [{len(cells) for _, cells in body[i : i + BATCH]} for i in range(0, len(body), BATCH)]
    whole = form.ragged_batches and all(len(b) == 1 for b in batches) and any(b == {width} for b in batches)
    if not whole:
        last = index == len(body) - 1 and around.open_end
        raise Refused("TRUNCATED" if last else "BAD_STRUCTURE", place=_place(row), seen=f"{len(body[index][1])} < {width}")
    for i, _ in short:
        body[i][1].extend([""] * (width - len(body[i][1])))


def _without_placeholders(form, body, columns, notes):
    """Row by row: those that name no post and bear no figure are left out and counted."""
    naming = [(i, c) for i, c in enumerate(columns) if c and (c.field == "post_id" or placeholders.links(form, c))]
    figures = [(i, c) for i, c in enumerate(columns) if c and c.kind in placeholders.FIGURES]
    if form.grain != "post" or not naming or not figures:
        return body
    kept = [(row, cells) for row, cells in body if not placeholders.is_placeholder(form, cells, naming, figures)]
    notes.drop("placeholder", len(body) - len(kept))
    return kept


def _without_error_rows(form, body, columns, notes):
    """Rows that hold an error sentence instead of a post: taken off and counted."""
    if form.row_note is None:
        return body
    at = {c.field: i for i, c in enumerate(columns) if c}
    note, key = at.get(form.row_note), at.get("post_id")
    if note is None or key is None:
        return body
    link = at.get("permalink")

    def is_error(cells):
        sentence = cells[note].strip()
        no_post = not cells[key].strip() and (link is None or not cells[link].strip())
        return no_post and len(sentence) >= 20 and " " in sentence

    kept = [(row, cells) for row, cells in body if not is_error(cells)]
    notes.drop("row_note", len(body) - len(kept))
    return kept


def _cells(form, body, columns, header):
    """Per field: its column and its cells, nulls as None. Columns of one field are merged as it declares."""
    rows = [row for row, _ in body]
    by_column = list(zip(*(cells for _, cells in body), strict=True)) if body else [()] * len(columns)
    merged = {}
    for column, name, texts in zip(columns, header, by_column, strict=True):
        if column is None or column.kind in ("ignored", "person"):
            if not name.strip() and any(texts):
                raise Refused("UNKNOWN_HEADER", seen="kolom tanpa judul/column without a header")
            continue
        declared = column.nulls if column.nulls is not None else form.nulls
        marks = frozenset(("",) if column.kind in TEXT_KINDS else declared)
        if column.field == "caption":  # kept exactly; of every other text, spaces around it are no part
            cells = [(r, t or None) for r, t in zip(rows, texts, strict=True)]
        elif column.kind in TEXT_KINDS:
            cells = [(r, values.bare(t) or None) for r, t in zip(rows, texts, strict=True)]
        else:
            cells = [(r, None if values.blank(t, marks) else t) for r, t in zip(rows, texts, strict=True)]
        _readable(name, [(r, t) for r, t in cells if t is not None])
        if column.field in merged:
            cells = _merge(column, name, merged[column.field][1], cells)
        merged[column.field] = (column, cells)
    return merged


def _readable(name, cells):
    for row, text in cells:
        if isinstance(text, Unreadable):
            raise Refused("UNREADABLE_CELL", place=values.place_of(name, row), seen=text)


def _merge(column, name, first, second):
    if column.repeated == "longest":
        return [(r, max((a or ""), (b or ""), key=len) or None) for (r, a), (_, b) in zip(first, second, strict=True)]
    for (row, a), (_, b) in zip(first, second, strict=True):
        if a != b:
            raise Refused("UNKNOWN_HEADER", place=values.place_of(name, row), seen=f"{a} / {b}")
    return first


# --- values


def _values(form, cells, body, around, notes):
    data = {"row_number": pl.Series([row for row, _ in body], dtype=pl.Int64)}
    for name, (column, texts) in cells.items():
        if column.kind == "id":
            data[name] = pl.Series(values.ids(shown(column), texts, column.shape), dtype=pl.Utf8)
        elif column.kind in TEXT_KINDS:
            data[name] = pl.Series([None if t is None else str(t) for _, t in texts], dtype=pl.Utf8)
    _post_ids(form, data, body)
    instants = _instants(form, data)
    for name, (column, texts) in cells.items():
        if column.kind in ("date", "datetime"):
            _dates(form, column, texts, around, instants, data, notes, name)
    _numbers(cells, around, data)
    _check_keys(form, cells, data)
    frame = pl.DataFrame(data)
    frame = _enums(form, cells, frame)
    return _publish(form, frame, instants, notes) if form.grain == "post" else frame


def _post_ids(form, data, body):
    """Post ids from links, or compared with them: an id that is not in its own link was damaged (A16)."""
    if form.grain != "post":
        return
    if form.post_id_from and form.post_id_from[0] in data:
        source, pattern = form.post_id_from
        linked = data[source].str.extract(f"{pattern}(?:[/?#&]|$)", 1)  # a number that goes on is another number
        if "post_id" not in data:
            data["post_id"] = linked
        else:
            for (row, _), own, other in zip(body, data["post_id"], linked, strict=True):
                if own and other and own != other:
                    raise Refused("ID_DESTROYED", place=_place(row), seen=f"{own} <> {other}")
            data["post_id"] = data["post_id"].fill_null(linked)
    if "post_id" in data and data["post_id"].null_count():
        row = body[data["post_id"].is_null().arg_true()[0]][0]
        raise Refused("ID_INVALID", place=_place(row), seen="tanpa ID/no id")
    if form.handle_from and form.handle_from[0] in data:
        linked = data[form.handle_from[0]].str.extract(form.handle_from[1], 1)
        data["handle"] = data["handle"].fill_null(linked) if "handle" in data else linked


def _instants(form, data):
    if form.clock is None or form.clock.source not in data:
        return []
    clock = clocks.CLOCKS[form.clock.name]
    found = [clock(text) if text else None for text in data[form.clock.source]]
    if form.clock.name == "tiktok":  # every id has its time; X ids before 2010 and foreign links need not
        for row, text, moment in zip(data["row_number"], data[form.clock.source], found, strict=True):
            if text and moment is None:
                raise Refused("ID_INVALID", place=_place(row), seen=text)
    return found


def _dates(form, column, texts, around, instants, data, notes, name):
    is_own = name in ("published_at", "published_on", "day")
    context = dates.Around(
        today=around.today,
        period=around.period,
        date_order=around.date_order,
        daily=form.grain in ("account_day", "audience") and is_own,
        clock=instants if is_own and instants else [],
        not_before=max((i.date() for i in instants or [] if i), default=None) if name == "captured_on" else None,
        anchor=around.anchor,
        resaved=around.container == "csv" and around.delimiter != ",",
    )
    patterns = column.formats if column.formats is not None else form.dates
    found = dates.read(shown(column), texts, patterns, context)
    if found.order in ("rolled", "latest_year") and not around.anchor_is_known:
        latest = max((v.date() for v in found.values if v), default=around.today)
        sample = next((t for _, t in texts if t), "")
        if (around.anchor or around.today) - latest > FRESH:
            raise Refused("YEAR_UNKNOWN", place=shown(column), seen=sample, held=True)
        notes.flag("YEAR_TAKEN", shown(column), sample)
    if found.order not in ("pattern", "same", "rolled", "latest_year", "date_cells", "id_year"):
        notes.flag("DATE_ORDER", shown(column), found.order)
    if name == "day":
        shift = timedelta(hours=12) if found.has_time else timedelta(0)
        days = [v + shift if v else None for v in found.values]
        for (row, _), value in zip(texts, days, strict=True):
            if value is None:
                raise Refused("EXTRA_CONTENT", place=_place(row), seen="baris tanpa tanggal/row without a date")
        data[name] = pl.Series([d.date() for d in days if d], dtype=pl.Date)
    elif column.kind == "date" and name != "published_at":
        data[name] = pl.Series([v.date() if v else None for v in found.values], dtype=pl.Date)
    else:
        data[name] = pl.Series(found.values, dtype=pl.Datetime("us"))
        if name == "published_at":
            seconds = any(v and v.second for v in found.values) or any(
                t and not isinstance(t, DayTime) and t.count(":") >= 2 for _, t in texts
            )
            precision = "day" if not found.has_time else "instant" if seconds else "minute"
            data["published_precision"] = pl.Series([precision] * len(texts), dtype=pl.Utf8)
            data["_zoned"] = pl.Series([found.zoned] * len(texts), dtype=pl.Boolean)


def _numbers(cells, around, data):
    locale = values.Locale(trusted=around.container == "csv" and around.delimiter == ",")
    fractions = [(shown(c), t) for c, t in cells.values() if c.kind in ("decimal", "percent")]
    values.find_locale(fractions, locale)
    values.settle_locale(fractions, locale, around.delimiter)
    for name, (column, texts) in cells.items():
        if column.kind == "count":
            numbers = values.counts(shown(column), texts, locale, column.allow_negative)
            scaled = [n if n is None or column.scale == 1 else n * column.scale for n in numbers]
            data[name] = pl.Series(scaled, dtype=pl.Int64 if column.scale == 1 else pl.Float64)
        elif column.kind in ("decimal", "percent"):
            found = values.decimals(
                shown(column),
                texts,
                locale,
                negative=column.allow_negative,
                percent=column.kind == "percent",
                share=column.unit == "share",
                places=column.decimals,
            )
            data[name] = pl.Series([n if n is None else n * column.scale for n in found], dtype=pl.Float64)
        elif column.kind == "duration":
            data[name] = pl.Series(values.durations(shown(column), texts), dtype=pl.Float64)
        elif column.kind == "flag":
            data[name] = pl.Series(values.flags(shown(column), texts), dtype=pl.Boolean)


# A group of people is never called 4.2, 12% or 1.2K: such a row has moved by a column, or is a total whose name is gone.
NUMBER_AS_LABEL = r"^[-+]?[0-9]+([.,][0-9]+)+ ?%?$|^[-+]?[0-9]+([.,][0-9]+)? ?(%|[KkMm]|rb|jt)$"


def _check_keys(form, cells, data):
    """A day or label that every row must have, and a printed publication time, are never empty in a sound file."""
    if form.grain not in ("post", "account_day", "audience"):
        return
    for name, (column, texts) in cells.items():
        is_key = name == "published_at" if form.grain == "post" else column.kind == "date" or name == form.label_field
        if column.required and is_key and data[name].null_count():
            row = texts[data[name].is_null().arg_true()[0]][0]
            raise Refused("BAD_STRUCTURE", place=values.place_of(shown(column), row), seen="kosong/empty")
        if form.grain == "audience" and name == form.label_field:
            for row, text in texts:
                if text is not None and re.search(NUMBER_AS_LABEL, text.strip()):
                    raise Refused("BAD_STRUCTURE", place=values.place_of(shown(column), row), seen=text)


def _enums(form, cells, frame):
    """Closed vocabularies: known text to its canonical word; other text stays as it is."""
    for name, (column, _) in cells.items():
        if column.kind == "enum" and column.values:
            known = {normalise(k): v for k, v in column.values.items()}
            mapped = [known.get(normalise(t), t) if t else None for t in frame[name]]
            frame = frame.with_columns(pl.Series(name, mapped, dtype=pl.Utf8))
    if form.post_types and "post_type" in frame.columns:
        known = {normalise(k): v for k, v in form.post_types.items()}
        mapped = [known.get(normalise(t), t) if t else None for t in frame["post_type"]]
        frame = frame.with_columns(pl.Series("post_type", mapped, dtype=pl.Utf8))
    return frame


def _compare_total(form, columns, total, frame, notes):
    """The platform's total against the sum of the rows, for whole additive numbers. ``report`` only takes it off."""
    if total is None or form.total_rule == "report" or not frame.height:
        return
    for column, text in zip(columns, total, strict=False):
        if column is None or column.kind != "count" or not column.is_additive or column.field not in frame.columns:
            continue
        if not re.fullmatch(r"[0-9]+", text.strip()):
            continue
        said, added = int(text), frame[column.field].sum()
        if said != added and not (form.total_rule == "at_least" and said > added):
            notes.flag("TOTAL_DIFFERS", shown(column), f"{said} <> {added}")


# --- publication time


def _publish(form, frame, instants, notes):
    """published_at (UTC), published_on (the platform's own day) and published_precision, from printed time and id clock."""
    height = frame.height
    printed = frame["published_at"].to_list() if "published_at" in frame.columns else [None] * height
    days = frame["published_on"].to_list() if "published_on" in frame.columns else [None] * height
    precision = frame["published_precision"].to_list() if "published_precision" in frame.columns else ["day"] * height
    zoned = "_zoned" in frame.columns and bool(height) and bool(frame["_zoned"][0])
    known = instants or [None] * height
    at = []
    on = []
    uncertain, late = 0, []
    for i in range(height):
        moment, is_unsure = _moment(form, printed[i], days[i], zoned, known[i])
        wall, instant = printed[i], known[i]
        day = days[i] or (wall.date() if wall else None)
        if instant and moment and form.clock and form.clock.any_zone:
            apart = abs((moment - instant).total_seconds())
            if form.clock.tolerance < apart <= 15 * 3600:
                moment, day, precision[i], is_unsure = instant, days[i] or instant.date(), "instant", False
        delay = _delay(form, moment, day, precision[i], known[i], frame["row_number"][i])
        if instant and form.clock and form.clock.use == "settle" and not delay:
            moment, precision[i], is_unsure = instant, "instant", False
            day = day or instant.date()
        uncertain += is_unsure
        late += [delay] if delay else []
        at.append(moment)
        on.append(day)
    if uncertain:
        notes.flag("CLOCK_SHIFT", "", str(uncertain))
    if late:
        notes.flag("CLOCK_DIFFERS", "", str(len(late)))
        off = [abs(d / 1800 - round(d / 1800)) * 1800 for d in late]
        is_shifted = max(off) <= 300 and max(late) - min(late) <= 3900
        if is_shifted and len(late) == len([k for k in known if k is not None]) > 1:
            notes.refuse("DATE_INVALID", "", f"{len(late)}/{height} <> ID")
    return frame.drop("_zoned", strict=False).with_columns(
        pl.Series("published_at", at, dtype=pl.Datetime("us", "UTC")),
        pl.Series("published_on", on, dtype=pl.Date),
        pl.Series("published_precision", [p if m else None for p, m in zip(precision, at, strict=True)], dtype=pl.Utf8),
    )


def _moment(form, printed, day, zoned, known):
    """UTC instant of what the file prints: the start of the platform's day where it prints no time."""
    if printed is not None:
        return (printed.replace(tzinfo=UTC), False) if zoned else clocks.to_utc(printed, form.zone, known)
    if day is not None:
        return clocks.to_utc(datetime(day.year, day.month, day.day), form.zone, known)[0], False
    return None, False


def _distance(moment, day, precision, known):
    """Seconds from the id's instant to the printed time or day: positive if printed later, 0 inside the printed day."""
    if precision != "day" or day is None:
        return (moment - known).total_seconds()
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    if known < start:
        return (start - known).total_seconds()
    over = (start + timedelta(days=1) - known).total_seconds()
    return min(over, 0.0)


def _delay(form, moment, day, precision, known, row):
    """Seconds by which a post is printed later than its id, where that may be. Any other difference is refused."""
    clock = form.clock
    if clock is None or moment is None or known is None:
        return 0
    distance = _distance(moment, day, precision, known)
    if abs(distance) <= clock.tolerance:
        return 0
    if clock.later_ok and distance > 0:
        return distance
    raise Refused("DATE_INVALID", place=_place(row), seen=f"{moment:%Y-%m-%d %H:%M} <> ID {known:%Y-%m-%d %H:%M} UTC")


# --- checks


def _hooks(form, frame, notes):
    if form.finish and frame.height:
        frame = form.finish(frame, notes)
    for repair in form.repairs:
        if all(n in frame.columns for n in repair.needs):
            hit = frame.select(repair.when.fill_null(False).alias("hit"))["hit"]
            if hit.any():
                notes.flag(repair.code, repair.field, str(int(hit.sum())))
                frame = frame.with_columns(pl.when(hit).then(None).otherwise(pl.col(repair.field)).alias(repair.field))
    return frame


def _check_rules(form, frame, notes):
    for rule in form.checks:
        if not frame.height or not all(n in frame.columns for n in rule.needs):
            continue
        holds = frame.select((rule.holds(frame.columns) if callable(rule.holds) else rule.holds).alias("holds"))["holds"]
        broken = frame.filter(holds.fill_null(True).not_())
        if not broken.height:
            continue
        share = broken.height / (frame.height - holds.null_count())
        place, seen = f"{rule.name}, {_place(broken['row_number'][0])}", f"{broken.height} baris/rows"
        if rule.hard:
            raise Refused(rule.code, place=place, seen=seen)
        if share > rule.flag_above:
            notes.flag(rule.code, place, seen)


def _check_unique(form, frame):
    names = [n for n in form.unique if n in frame.columns]
    if not names or len(names) < len(form.unique):
        return
    twice = frame.filter(pl.struct(names).is_duplicated())
    if twice.height:
        row = twice["row_number"][min(1, twice.height - 1)]
        code = "ID_INVALID" if "post_id" in names else "EXTRA_CONTENT"
        raise Refused(code, place=_place(row), seen=" ".join(str(twice[n][0]) for n in names))


def _caps(form, rows, notes):
    if rows in form.caps or rows in EXCEL_CAPS:
        notes.flag("POSSIBLY_CUT", "", f"{rows} baris/rows")


# --- what comes out


def _captured(frame):
    """The export day that the file states in a column, as its last second in WIB (no value can be later)."""
    if "captured_on" not in frame.columns or not frame["captured_on"].drop_nulls().len():
        return None
    day = frame["captured_on"].max()
    return end_of_day(day) if isinstance(day, date) else None


def _metrics(used, frame):
    numeric = ("count", "decimal", "percent", "duration")
    return [used[n] for n in frame.columns if n in used and used[n].kind in numeric and not n.startswith("_")]


def _summary(used, frame):
    """Totals of additive fields and null counts of all fields, over the rows that are kept."""
    sums = {}
    for column in _metrics(used, frame):
        series = frame[column.field].drop_nulls()
        if column.is_summed and series.len():
            exact = sum(series.to_list())
            sums[column.field] = exact if isinstance(exact, int) else round(exact, 6)
    hidden = ("row_number", "published_precision", "captured_on")
    nulls = {n: frame[n].null_count() for n in frame.columns if not n.startswith("_") and n not in hidden}
    return sums, nulls


def _finish(form, used, frame, table):
    """Working columns off, identity columns on, zone of day rows, and audience tables turned long."""
    frame = frame.drop([n for n in frame.columns if n.startswith("_")]).drop("captured_on", strict=False)
    missing = [pl.lit(None, pl.Utf8).alias(n) for n in ("platform_account_id", "handle") if n not in frame.columns]
    frame = frame.with_columns(*missing, *(pl.lit(v).alias(k) for k, v in form.constants.items()))
    if form.grain == "account_day":
        frame = frame.with_columns(pl.lit(form.zone).alias("day_zone"))
    if form.grain == "audience":
        frame = _long(form, used, frame, table)
    return frame


def _long(form, used, frame, table):
    """One row per label and metric. Value Float64; unit count, share or seconds."""
    dimension = form.dimension(table) if callable(form.dimension) else form.dimension
    metrics = _metrics(used, frame)
    base = frame.rename({form.label_field: "label"}) if form.label_field != "label" else frame
    absent = {"label2": pl.Utf8, "period_start": pl.Date, "period_end": pl.Date}
    base = base.with_columns(pl.lit(None, t).alias(n) for n, t in absent.items() if n not in base.columns)
    keep = ["row_number", "platform_account_id", "handle", "label", "label2", "period_start", "period_end"]
    parts = [
        base.select(
            *keep,
            pl.lit(dimension, pl.Utf8).alias("dimension"),
            pl.lit(c.field).alias("metric"),
            pl.col(c.field).cast(pl.Float64).alias("value"),
            pl.lit(c.unit or {"percent": "share", "duration": "seconds"}.get(c.kind, "count")).alias("unit"),
        )
        for c in metrics
    ]
    if not parts:
        return base.select(keep)
    order = ["row_number", "platform_account_id", "handle", "dimension", "label", "label2", "metric", "value", "unit"]
    return pl.concat(parts).select(*order, "period_start", "period_end").sort("row_number", maintain_order=True)


# --- about the rows


def _span(form, rows):
    """First and last publication of posts, else the first and last day."""
    pairs = [("published_at", "published_at")] if form.grain == "post" else []
    pairs += [("day", "day"), ("received_on", "received_on"), ("period_start", "period_end")]
    for low, high in pairs:
        if low in rows.columns and rows[low].drop_nulls().len():
            last = rows[high].max()
            return rows[low].min(), rows[low].max() if last is None else last
    return None, None


def _identities(rows):
    """Whom the rows name, and how often: in order of appearance, without rows that name nobody."""
    counted = Counter(zip(rows["platform_account_id"].to_list(), rows["handle"].to_list(), strict=True))
    return {who: n for who, n in counted.items() if any(who)}
