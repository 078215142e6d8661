r"""Text files with delimiters: CSV and its relatives, as accounting systems and spreadsheets write them.

A record is a line, unless a quoted value holds line breaks. The rules for quotation marks:

- A value that begins with a quotation mark, and has its closing one right before a delimiter or the line's end, is
  quoted: delimiters and line breaks inside are part of it, and a doubled mark is one mark.
- Any other quotation mark is part of the value, as in ``5" disk`` or ``"Daisy" Ltd``.
- A value whose quotation mark is left open within its line goes on in the next lines if it is closed there, unless
  that would swallow lines that are rows by themselves: a long run of them, or any where the record doesn't have the
  header's width. Otherwise the line alone is a broken row, and reading goes on with the next line.

Rows with fewer or more fields than the header are broken; further fields without a value do no harm.
"""

from __future__ import annotations

import hashlib
import math
import re
from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ..errors import Refusal
from ..parameters import TableSource
from ..wording import plural
from .encoding import decode
from .header import column_names, find_header, names_columns
from .raw import BROKEN_SCHEMA, RawTable, no_broken_rows

DELIMITERS = "\t;|,"  # a comma last: it also stands inside numbers and sentences
SPACES = " \t\u00a0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
WIDE_SPACES = (b"\xc2\xa0", b"\xe1\x9a\x80", b"\xe2\x80", b"\xe2\x81\x9f", b"\xe3\x80\x80")
SEPARATOR_LINE = re.compile(rb'"?sep=([\x01-\x7f])"?\s*', re.IGNORECASE)
CHUNK = 1 << 22
HEAD_ROWS = 1_000
HEAD_BYTES = 1 << 20
GUESSED_FROM = 200  # rows
LONGEST_RUN_SWALLOWED = 20
LONGEST_AS_READ = 1_000
LONGEST_NAME = 10_000
MOST_COLUMNS = 100_000
WIDEST_PATTERN = 100
OPEN_QUOTE = "opens a quotation mark that is never closed"
HOLDS_NUL = "holds NUL bytes; was the file cut off while it was written?"
REPEATS = "repeats the header"
QUOTE = b'"'
QUOTED = re.compile(rb'"[^"]*+(?:""[^"]*+)*+"')


def read_text(content: bytes, name: str, source: TableSource, wanted: Collection[str]) -> RawTable:
    """Read a text file with delimiters; every cell stays text.

    Parameters
    ----------
    content : bytes
        The file as it is.
    name : str
        What messages and the quarantine call it.
    source : TableSource
        Its hints (encoding, delimiter, header_row) overrule what is found in the file.
    wanted : collection of str
        Names of columns that the header should hold; empty where nobody knows them yet.

    Returns
    -------
    RawTable
        All columns, wanted or not. Lines that can't be split into the header's columns, hold NUL bytes, are in
        another encoding than the rest, or repeat the header are in `broken`.

    Raises
    ------
    Refusal
        When the file is empty, is no text, isn't in the encoding said, has no header, or two wanted columns have
        one name.
    """
    if not content:
        raise Refusal(f"{name}: the file is empty. Export it again.")
    # what lets other threads work goes on beside the rest
    with ThreadPoolExecutor(2) as aside:
        digest = aside.submit(_digest, content)
        decoded = decode(content, name, source.encoding)
        text = _with_newlines(decoded.text)
        layout = _lay_out(text, name, source, wanted)
        if _has_quotes(text, layout):
            checked = _check(text, layout, decoded.damaged, has_quotes=True)
            rows = _blank_to_null(
                _read(_patched(text, checked.repairs), layout, has_quotes=True), _has_wide_spaces(text)
            )
        else:
            # then a record is a line, and nothing needs repair
            being_read = aside.submit(_read, text, layout, has_quotes=False)
            regular_rows = None if decoded.damaged else _regular_rows(text, layout)
            has_spaces, has_wide_spaces = b" " in text or b"\t" in text, _has_wide_spaces(text)
            rows = being_read.result()
            # each line reaches the last column, and there are just the delimiters for that
            is_regular = regular_rows == rows.height > 0 == rows.to_series(-1).null_count()
            checked = NOTHING_FOUND if is_regular else _check(text, layout, decoded.damaged, has_quotes=False)
            rows = _blank_to_null(rows, has_wide_spaces) if has_spaces or has_wide_spaces else rows
        rows, numbers, broken = _table(rows, layout, checked.broken, is_cut_off=not text.endswith(b"\n"))
        reading = {"encoding": decoded.encoding, **layout.reading}
        evidence = {"encoding": decoded.evidence, **layout.evidence}
        return RawTable(name, rows, numbers, digest.result(), broken, reading, evidence)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _with_newlines(text: bytes) -> bytes:
    """Return the text without line ends that would need care: all are newlines, or all are of Windows."""
    if b"\r" not in text:
        return text
    signs = np.frombuffer(text, np.uint8)
    chunks = (signs[at : at + CHUNK + 1] for at in range(0, len(signs), CHUNK))
    if text.endswith(b"\r") or any(((chunk[:-1] == 13) & (chunk[1:] != 10)).any() for chunk in chunks):
        return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return text.translate(None, b"\r") if QUOTE in text else text


# single records


@dataclass(frozen=True)
class _Record:
    """One record: its cells, where the next one begins, and whether a quotation mark is left open."""

    cells: list[bytes]
    end: int
    is_open: bool


def _split(text: bytes, start: int, delimiter: bytes, *, over_lines: bool, most: float = math.inf) -> _Record:
    """Split the line that begins at `start` into cells, but hardly more than `most`.

    With `over_lines`, a quoted value may go on in the next lines.
    """
    line_end = _line_end(text, start)
    cells = []
    is_open = False
    at = start
    while True:
        closing = _closing_mark(text, at, line_end, delimiter, over_lines) if text.startswith(QUOTE, at) else -1
        if closing >= 0:
            cells.append(text[at + 1 : closing].replace(b'""', QUOTE))
            at = closing + 1
            if closing > line_end:
                line_end = _line_end(text, at)
        else:
            end = text.find(delimiter, at, line_end)
            end = line_end if end < 0 else end
            cell = text[at:end]
            is_open |= cell.startswith(QUOTE) and cell.count(QUOTE) % 2 == 1
            cells.append(cell)
            at = end
        if at >= line_end or len(cells) > most:
            return _Record(cells, line_end + 1, is_open)
        at += 1


def _line_end(text: bytes, start: int) -> int:
    end = text.find(b"\n", start)
    return len(text) if end < 0 else end


def _closing_mark(text: bytes, opening: int, line_end: int, delimiter: bytes, over_lines: bool) -> int:
    """Return where the mark is that closes the one at `opening`, or -1."""
    quoted = QUOTED.match(text, opening, len(text) if over_lines else line_end)
    return quoted.end() - 1 if quoted and text[quoted.end() : quoted.end() + 1] in (delimiter, b"\n", b"") else -1


def _record(text: bytes, start: int, delimiter: bytes, least: int = 0, most: int | None = None) -> _Record:
    """Read the record at `start`; where a quotation mark is left open, over several lines if that is sound.

    It is unless the mark isn't closed there either, or the lines inside look like rows of the table, which have
    between `least` and `most` fields: a long run of them, or one where the record hasn't the table's width.
    """
    limit = MOST_COLUMNS if most is None else math.inf
    record = _split(text, start, delimiter, over_lines=False, most=limit)
    if not record.is_open:
        return record
    longer = _split(text, start, delimiter, over_lines=True, most=limit)
    if longer.is_open:
        return record
    if most is None or least < 2:
        return longer
    fits = least <= len(_trimmed(longer.cells, most)) <= most
    inner = text[start : longer.end - 1].split(b"\n", LONGEST_RUN_SWALLOWED + 1)[1:-1]
    rows_inside = sum(least <= line.count(delimiter) + 1 <= most for line in inner)
    return record if rows_inside >= (LONGEST_RUN_SWALLOWED if fits else 1) else longer


def _trimmed(cells: list[bytes], width: int) -> list[bytes]:
    """Take blank cells beyond `width` off."""
    while len(cells) > width and not cells[-1].decode().strip():
        cells = cells[:-1]
    return cells


# the header and the delimiter


@dataclass(frozen=True)
class _Layout:
    """How a file is laid out.

    Attributes
    ----------
    delimiter : str
    names : list of str
        The columns' names, as many as the header has fields.
    least : int
        The fewest fields a row may have: those up to the last one that has a name.
    header : list of str
        The header's cells as read.
    header_line : str
        The line as read.
    header_row : int
        Its number, as records are counted.
    lines : int
        How many lines are above the table's body.
    start : int
        Where the body begins, in bytes.
    reading, evidence : mapping
        As in `RawTable`.
    """

    delimiter: str
    names: list[str]
    least: int
    header: list[str]
    header_line: str
    header_row: int
    lines: int
    start: int
    reading: Mapping[str, str | int]
    evidence: Mapping[str, str]


def _lay_out(text: bytes, name: str, source: TableSource, wanted: Collection[str]) -> _Layout:
    given = source.header_row
    head = text[: _end_of_head(text, (given or 0) + HEAD_ROWS)].replace(b"\r\n", b"\n")
    announced = SEPARATOR_LINE.fullmatch(head[: _line_end(head, 0)])
    if source.delimiter is not None:
        delimiter, why = source.delimiter, "As the parameter delimiter says."
    elif announced:
        delimiter, why = announced[1].decode(), "The file's first line says so."
    else:
        delimiter, why = _guess_delimiter(head, wanted, given)
    records = list(_records(head, delimiter.encode(), announced is not None))
    header = find_header([cells for cells, _, _ in records], wanted, given)
    if header is None:
        raise Refusal(f"{name}: there is no header from row {given or 1} on. Set ledger.header_row.")
    cells, start, end = records[header.index]
    if _record(head, start, delimiter.encode()).is_open:
        raise Refusal(f"{name}: row {header.index + 1} is the header, and {OPEN_QUOTE}. Close it or take it out.")
    if len(cells) > MOST_COLUMNS:
        problem = f"row {header.index + 1} should be the header, but it has more than {MOST_COLUMNS:,} fields"
        raise Refusal(f"{name}: {problem}. Set ledger.header_row or ledger.delimiter.")
    if max(map(len, cells)) > LONGEST_NAME:
        problem = (
            f"row {header.index + 1} should be the header, but a name in it has more than {LONGEST_NAME:,} letters"
        )
        raise Refusal(f"{name}: {problem}. Set ledger.header_row or ledger.delimiter.")
    lines = head.count(b"\n", 0, end - 1) + 1
    names = column_names(cells, wanted, name)
    least = max(at for at, cell in enumerate(cells, 1) if cell.strip())
    reading: dict[str, str | int] = {"delimiter": delimiter, "header_row": header.index + 1}
    evidence = {"delimiter": why, "header_row": header.evidence}
    line = head[start : end - 1].decode()
    body = _end_of_lines(text, lines)
    return _Layout(delimiter, names, least, cells, line, header.index + 1, lines, body, reading, evidence)


def _end_of_head(text: bytes, rows: int) -> int:
    """Return where the first lines end: so many, or fewer if they are very long."""
    at = 0
    for row in range(rows):
        if at >= len(text) or (at > HEAD_BYTES and row >= rows - HEAD_ROWS):
            break
        at = _line_end(text, at) + 1
    return at


def _end_of_lines(text: bytes, lines: int) -> int:
    at = 0
    for _ in range(lines):
        at = _line_end(text, at) + 1
    return at


def _records(head: bytes, delimiter: bytes, is_announced: bool) -> Iterator[tuple[list[str], int, int]]:
    """Yield the cells of each record, where it begins and where the next one does."""
    at = 0
    while at < len(head):
        record = _record(head, at, delimiter)
        cells = [] if is_announced and at == 0 else [cell.decode() for cell in record.cells]
        yield cells, at, record.end
        at = record.end


def _guess_delimiter(head: bytes, wanted: Collection[str], given: int | None) -> tuple[str, str]:
    """Return the delimiter whose columns fit best, and the sentence that says why."""
    head = head[: _end_of_head(head, (given or 0) + GUESSED_FROM)]
    fits = {}
    for delimiter in DELIMITERS:
        rows = [cells for cells, _, _ in _records(head, delimiter.encode(), False)]
        header = find_header(rows, wanted, given)
        if header is not None and len(rows[header.index]) > 1:
            # of two that fit, the one whose header isn't a row of the other's table
            fits[delimiter] = (*_fit(rows[header.index :], wanted), -header.index)
    best = max(fits, key=fits.__getitem__, default=",")
    held, has_names, alike, _ = fits.get(best, (0, False, 0.0, 0))
    # commas inside the numbers of a single column divide its rows but not its header
    if not held and not has_names and alike < 1:
        unused = next((delimiter for delimiter in DELIMITERS if delimiter.encode() not in head), ",")
        return unused, "No tab, semicolon, '|' or comma divides the header: the table has one column."
    return best, f"It divides the header, and {alike:.0%} of the first rows alike."


def _fit(table: Sequence[Sequence[str]], wanted: Collection[str]) -> tuple[int, bool, float]:
    """Return how many wanted columns the header holds, whether it is of names, and the share of rows as wide."""
    names = [name.strip() for name in table[0]]
    held = len({name.strip() for name in wanted}.intersection(names))
    filled = [row for row in table if any(map(str.strip, row))]
    alike = sum(len(row) >= len(names) and not any(map(str.strip, row[len(names) :])) for row in filled)
    return held, names_columns(names), round(alike / len(filled), 1)


# rows that need a closer look


@dataclass(frozen=True)
class _Checked:
    """What a file's lines were found to be.

    Attributes
    ----------
    broken : polars.DataFrame
        As `RawTable.broken`, but row counts records of the body from 0 on.
    repairs : list of tuple
        Where each piece of the text begins and ends, and what takes its place, so that one record is one line.
    has_quotes : bool
        Whether any value of the body is quoted.
    """

    broken: pl.DataFrame
    repairs: list[tuple[int, int, bytes]]


NOTHING_FOUND = _Checked(no_broken_rows(), [])


def _regular_rows(text: bytes, layout: _Layout) -> float:
    """Return for how many rows of the header's width there are delimiters, or not-a-number if there are NUL bytes."""
    width = len(layout.names)
    if width == 1 or text.find(b"\0", layout.start) >= 0:
        return math.nan
    signs = np.frombuffer(text, np.uint8, offset=min(layout.start, len(text)))
    chunks = (signs[at : at + CHUNK] for at in range(0, len(signs), CHUNK))
    return sum(np.count_nonzero(chunk == ord(layout.delimiter)) for chunk in chunks) / (width - 1)


def _check(text: bytes, layout: _Layout, damaged: Mapping[int, str], *, has_quotes: bool) -> _Checked:
    """Find the rows that can't be split into the header's columns, and those that need rewriting for the reader."""
    delimiter = layout.delimiter.encode()
    line_end = b"\r\n" if b"\r" in text else b"\n"
    regular = delimiter * (len(layout.names) - 1) + line_end
    looked_at = {*delimiter, *line_end, *b"\n\0", *(QUOTE if has_quotes else b"")}
    passed_over = bytes({*range(256)} - looked_at)
    damaged = {line - layout.lines: reason for line, reason in damaged.items() if line >= layout.lines}
    damaged_lines = sorted(damaged)
    quoted = _QuotedRows(text, layout, damaged, damaged_lines)
    broken = [no_broken_rows()]
    line = 0
    for at, chunk in _chunks(text, layout.start):
        signs = chunk.translate(None, passed_over)
        count = signs.count(b"\n") + (not chunk.endswith(b"\n"))
        here = damaged_lines[bisect_left(damaged_lines, line) : bisect_left(damaged_lines, line + count)]
        damaged_here = {row - line: damaged[row] for row in here}
        if (damaged_here or signs != regular * count) and line + count > quoted.resume:
            odd = _odd_lines(signs, len(regular), delimiter)
            odd[list(damaged_here)] = True
            suspects = _suspects(chunk, odd, layout, damaged_here, has_quotes)
            if has_quotes:
                broken.append(quoted.read(suspects, at, line))
            else:
                broken.append(_broken(suspects, layout, damaged_here, line))
        line += count
    return _Checked(pl.concat(broken), quoted.repairs)


def _chunks(text: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    """Yield pieces of whole lines, each with the place where it begins."""
    while start < len(text):
        end = text.rfind(b"\n", start, start + CHUNK) + 1 or _line_end(text, start) + 1
        yield start, text[start:end]
        start = end


def _odd_lines(signs: bytes, regular: int, delimiter: bytes) -> npt.NDArray[np.bool_]:
    """Tell for each line whether it has more or fewer signs than `regular`, or others than delimiters and its end."""
    array = np.frombuffer(signs if signs.endswith(b"\n") else signs + b"\n", np.uint8)
    lengths = np.diff(np.flatnonzero(array == 10), prepend=-1)
    is_other = (array != 10) & (array != 13) & (array != ord(delimiter))
    return (lengths != regular) | np.logical_or.reduceat(is_other, np.cumsum(lengths) - lengths)


def _suspects(
    chunk: bytes, odd: npt.NDArray[np.bool_], layout: _Layout, damaged: Mapping[int, str], has_quotes: bool
) -> pl.DataFrame:
    """Return those of the `odd` lines that don't plainly have the header's fields.

    The columns are position, line, offset, delimiters, filled (those up to the last value), is_blank, has_nul,
    and is_well_quoted.
    """
    delimiter, line, width = layout.delimiter, pl.col("line"), len(layout.names)
    lines = pl.read_lines(chunk, name="line")
    length = line.str.len_bytes().cast(pl.Int64) + 1
    lines = lines.with_columns(offset=length.cum_sum() - length, position=pl.int_range(pl.len())).filter(pl.Series(odd))
    is_damaged = pl.col("position").is_in(list(damaged))
    sign = pl.escape_regex(delimiter)
    if has_quotes and width <= WIDEST_PATTERN:
        # nearly all lines are of this kind, and one look at them is cheaper than the several below
        simple = f'(?:"[^"\0]*"|[^"{sign}\0]*)'
        lines = lines.filter(is_damaged | ~line.str.contains(f"^{simple}(?:{sign}{simple}){{{width - 1}}}$"))
    measured, is_well_quoted = line, pl.lit(True)
    if has_quotes:
        cell = f'("(?:[^"]|"")*"|[^"{sign}][^{sign}]*|)'
        opens = line.str.starts_with('"') | line.str.contains(f'{delimiter}"', literal=True)
        measured = pl.when(opens).then(line.str.replace_all('"[^"]*"', "x")).otherwise(line)
        # the reader finds the lines' ends by pairs of marks
        is_even = line.str.count_matches('"', literal=True) % 2 == 0
        is_well_quoted = is_even & (~opens | line.str.contains(f"^{cell}({sign}{cell})*$"))
    blank = delimiter + SPACES
    measures = lines.lazy().with_columns(
        measured.str.count_matches(delimiter, literal=True).alias("delimiters"),
        measured.str.strip_chars_end(blank).str.count_matches(delimiter, literal=True).alias("filled"),
        (measured.str.strip_chars(blank) == "").alias("is_blank"),
        line.str.contains("\0", literal=True).alias("has_nul"),
        is_well_quoted.alias("is_well_quoted"),
    )
    fits = (pl.col("delimiters") >= layout.least - 1) & (pl.col("filled") < width)
    is_sound = (fits | pl.col("is_blank")) & pl.col("is_well_quoted") & ~pl.col("has_nul")
    return measures.filter(~is_sound | is_damaged).collect()


def _broken(suspects: pl.DataFrame, layout: _Layout, damaged: Mapping[int, str], first: int) -> pl.DataFrame:
    """Return the rows that can't be used, each a line by itself, with the reason."""
    widths = suspects["filled"].to_numpy() + 1
    narrow = suspects["delimiters"].to_numpy() + 1
    widths = np.where(narrow < layout.least, narrow, widths)
    reasons = {width: _wrong_width(width, layout) for width in np.unique(widths).tolist()}
    reason = pl.Series("reason", widths).replace_strict(reasons, return_dtype=pl.String)
    reason = reason.zip_with(~suspects["has_nul"], pl.Series([HOLDS_NUL]))
    if damaged:
        reason = suspects["position"].replace_strict(dict(damaged), default=reason, return_dtype=pl.String)
    return suspects.select(pl.col("position").alias("row") + first, reason.alias("reason"), _short("line"))


def _short(column: str) -> pl.Expr:
    whole = pl.col(column)
    cut = whole.str.slice(0, LONGEST_AS_READ - 1) + "…"
    return pl.when(whole.str.len_chars() > LONGEST_AS_READ).then(cut).otherwise(whole).alias("as_read")


def _wrong_width(fields: int, layout: _Layout) -> str:
    header = layout.least if fields < layout.least else len(layout.names)
    guess = f"is a {layout.delimiter!r} inside a value without quotes, or a value missing?"
    return f"has {plural(fields, 'field')} where the header has {header:,}; {guess}"


class _QuotedRows:
    """Reads, in the file's order, the lines whose quotation marks or number of fields need a closer look."""

    def __init__(self, text: bytes, layout: _Layout, damaged: Mapping[int, str], damaged_lines: list[int]) -> None:
        self.text = text
        self.layout = layout
        self.damaged = damaged
        self.damaged_lines = damaged_lines
        self.repairs: list[tuple[int, int, bytes]] = []
        self.resume = 0  # the first line that belongs to no record read so far
        self.swallowed = 0  # lines so far that go on with a record

    def read(self, suspects: pl.DataFrame, start: int, first: int) -> pl.DataFrame:
        """Return the broken ones among `suspects`, and keep repairs for those that can be read."""
        broken = []
        for position, offset in suspects.select("position", "offset").iter_rows():
            line = first + position
            if line >= self.resume:
                row = line - self.swallowed
                reason, end = self._read_one(line, start + offset)
                if reason:
                    broken.append((row, reason, self.text[start + offset : end].decode()))
        table = pl.DataFrame(broken, schema=BROKEN_SCHEMA, orient="row")
        return table.with_columns(_short("as_read"))

    def _read_one(self, line: int, start: int) -> tuple[str, int]:
        """Read the record that begins at `start`; return what is wrong with it, if anything, and where it ends."""
        layout, width = self.layout, len(self.layout.names)
        delimiter = layout.delimiter.encode()
        end = _line_end(self.text, start)
        reason = self.damaged.get(line) or (HOLDS_NUL if self.text.find(b"\0", start, end) >= 0 else "")
        more = 0
        replacement = b""
        if not reason:
            record = _record(self.text, start, delimiter, layout.least, width)
            end = record.end - 1
            more = self.text.count(b"\n", start, end)
            cells = _trimmed(record.cells, width)
            reason = self._problem(record, cells, line, more)
            if not reason and any(cells):
                replacement = delimiter.join(_quoted(cell) for cell in cells)
        self.repairs.append((start, end, replacement))
        self.resume = line + more + 1
        self.swallowed += more
        return reason, end

    def _problem(self, record: _Record, cells: list[bytes], line: int, more: int) -> str:
        if record.is_open:
            return OPEN_QUOTE
        at = bisect_left(self.damaged_lines, line)
        if at < len(self.damaged_lines) and self.damaged_lines[at] <= line + more:
            return self.damaged[self.damaged_lines[at]]
        if any(b"\0" in cell for cell in cells):
            return HOLDS_NUL
        if not self.layout.least <= len(cells) <= len(self.layout.names) and any(map(_is_filled, cells)):
            return _wrong_width(len(cells), self.layout)
        return ""


def _is_filled(cell: bytes) -> bool:
    return bool(cell.decode().strip())


def _quoted(cell: bytes) -> bytes:
    # line breaks inside cells take the place of returns, which the text no longer has, so that a record is one line
    return QUOTE + cell.replace(QUOTE, b'""').replace(b"\n", b"\r") + QUOTE if cell else cell


def _has_quotes(text: bytes, layout: _Layout) -> bool:
    """Whether any cell of the body begins with a quotation mark; elsewhere it is a letter like others."""
    if text.find(QUOTE, layout.start) < 0:
        return False
    before = (layout.delimiter.encode(), b"\n")
    return text.startswith(QUOTE, layout.start) or any(text.find(sign + QUOTE, layout.start) >= 0 for sign in before)


# the table


def _table(
    rows: pl.DataFrame, layout: _Layout, broken: pl.DataFrame, *, is_cut_off: bool
) -> tuple[pl.DataFrame, pl.Series, pl.DataFrame]:
    """Return the rows that can be used, their numbers in the file, and the broken rows."""
    numbers = pl.int_range(layout.header_row + 1, layout.header_row + 1 + rows.height, eager=True).alias("row")
    broken = broken.with_columns(pl.col("row") + layout.header_row + 1)
    if is_cut_off and broken.height and broken["row"][-1] >= layout.header_row + rows.height:
        ends_here = pl.when(pl.int_range(pl.len()) == pl.len() - 1).then(pl.lit(" The file ends in this row."))
        broken = broken.with_columns(pl.concat_str("reason", ends_here.otherwise(pl.lit(""))))
    repeats = numbers.filter(_repeats_header(rows, layout))
    if len(repeats):
        as_read = pl.DataFrame({"row": repeats}).with_columns(
            pl.lit(REPEATS).alias("reason"), pl.lit(layout.header_line).alias("as_read")
        )
        broken = pl.concat([broken, as_read.with_columns(_short("as_read"))]).sort("row")
    keep = None if broken.is_empty() else ~numbers.is_in(broken["row"].implode())
    nulls = rows.null_count().row(0)
    if all(nulls):
        filled = rows.select(pl.any_horizontal(pl.all().is_not_null()).alias("filled"))["filled"]
        keep = filled if keep is None else keep & filled
    empty = [at for at, count in enumerate(nulls) if at >= layout.least and count == rows.height]
    rows.columns = layout.names
    rows = rows.drop([layout.names[at] for at in empty])
    if keep is not None and not keep.all():
        rows, numbers = rows.filter(keep), numbers.filter(keep)
    return rows, numbers, broken


def _read(text: bytes, layout: _Layout, *, has_quotes: bool) -> pl.DataFrame:
    schema = dict.fromkeys(map(str, range(len(layout.names))), pl.String)
    if layout.start >= len(text):
        return pl.DataFrame(schema=schema)
    rows = pl.read_csv(
        text,
        has_header=False,
        skip_lines=layout.lines,
        separator=layout.delimiter,
        # the reader works on one thread alone when there is no such sign
        quote_char='"' if has_quotes or text.find(QUOTE, layout.start) < 0 else None,
        schema=schema,
        missing_columns="insert",
        extra_columns="ignore",
    )
    if has_quotes and b"\r" in text:
        rows = rows.with_columns(pl.all().str.replace_all("\r", "\n", literal=True))
    return rows


def _patched(text: bytes, repairs: list[tuple[int, int, bytes]]) -> bytes:
    if not repairs:
        return text
    view = memoryview(text)
    pieces: list[bytes | memoryview] = []
    at = 0
    for start, end, replacement in repairs:
        pieces += [view[at:start], replacement]
        at = end
    return b"".join([*pieces, view[at:]])


def _has_wide_spaces(text: bytes) -> bool:
    # a search for one byte is many times faster than one for two
    return not text.isascii() and any(space[:1] in text and space in text for space in WIDE_SPACES)


def _blank_to_null(rows: pl.DataFrame, has_wide_spaces: bool) -> pl.DataFrame:
    """Make cells without any sign but spaces null, looking only at columns that may have some."""
    columns = rows.columns
    if not has_wide_spaces:
        lowest = rows.select(pl.all().min()).row(0)
        columns = [column for column, low in zip(columns, lowest, strict=True) if low is not None and low < "!"]
    cell = pl.col(columns)
    return rows.with_columns(pl.when(cell.str.strip_chars(SPACES + "\n") != "").then(cell)) if columns else rows


def _repeats_header(rows: pl.DataFrame, layout: _Layout) -> pl.Series:
    """Whether each row is the header once more, as in pages or files put together."""
    cells = [cell if cell.strip() else None for cell in layout.header]
    named = layout.least - 1
    # files put together leave byte order marks inside
    alike = rows.to_series(named).is_in([cells[named], f"\ufeff{cells[named]}"]).fill_null(False)
    if alike.any():
        first, *others = rows.columns
        is_first = pl.col(first).str.strip_prefix("\ufeff").replace("", None).eq_missing(cells[0])
        are_others = (pl.col(column).eq_missing(cell) for column, cell in zip(others, cells[1:], strict=True))
        alike = rows.select(pl.all_horizontal(is_first, *are_others)).to_series()
    return alike
