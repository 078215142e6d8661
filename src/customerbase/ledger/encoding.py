"""From a text file's bytes to UTF-8: which encoding it is in, and by what evidence."""

from __future__ import annotations

import codecs
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from charset_normalizer import from_bytes

from ..errors import Refusal
from ..wording import plural
from .alphabets import languages_of

KINDS_BY_FIRST_BYTES = {
    b"PK\3\4": "a workbook (.xlsx, .ods) or a zip archive",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an old Excel workbook (.xls) or a password-protected one",
    b"%PDF-": "a PDF document",
    b"\x1f\x8b": "a gzip archive",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"PAR1": "a Parquet file",
    b"SQLite format 3\0": "an SQLite database",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a": "a rar archive",
    b"BZh9": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"{\\rtf": "a text document (.rtf)",
}
WEB_PAGE = re.compile(rb"\s*(<!doctype html|<html)", re.IGNORECASE)
MARKS = {
    # the mark of UTF-32 begins with that of UTF-16
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
    codecs.BOM_UTF8: "utf-8",
}
CHUNK = 1 << 20
START = 1 << 16
SAMPLED_PIECES = 128
SAMPLED_WORDS = 4_000
CONTROLS = bytes({*range(1, 9), *range(14, 26), *range(28, 32), 127})
UTF8_PAIR = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}")
CUT_OFF_LETTER = re.compile(rb"[\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2}")

# in the order of preference where two read a file equally well; each with the letters that its readers use most
RUSSIAN = frozenset("оеаинтсрвлкмдпуяыОЕАИНТСРВЛКМДПУЯ")
GREEK = frozenset("αοιετσνηυρπκμλςάέήίόύώΑΟΙΕΤΣΝΗΥΡΠΚΜΛ")
WESTERN = frozenset("äöüßéèêëàâáçñíóúåøæîïôõãòìùÄÖÜÉÈÀÁÅØÆÇÑÓ")
CENTRAL = frozenset("áéíóúýčďěňřšťůžłśćżźąęńőűöüäôâășțşţăîÁÉÍÓÚČŘŠŽŁŚŻŹÖÜÄ")
TURKISH = frozenset("çğıöşüÇĞİÖŞÜâî")
BALTIC = frozenset("āčēģīķļņšūžąęėįųõäöüĀČĒĢĪĶĻŅŠŪŽÕÄÖÜ")
CANDIDATES = {
    "cp1251": RUSSIAN,
    "cp1252": WESTERN,
    "iso8859-15": WESTERN,
    "koi8-r": RUSSIAN,
    "cp866": RUSSIAN,
    "iso8859-5": RUSSIAN,
    "mac-cyrillic": RUSSIAN,
    "cp1250": CENTRAL,
    "iso8859-2": CENTRAL,
    "cp1254": TURKISH,
    "cp1257": BALTIC,
    "cp1253": GREEK,
    "cp850": WESTERN,
    "mac-roman": WESTERN,
}
FURTHER = ["cp1255", "cp1256", "cp874", "cp1258", "cp932", "shift_jis", "gb18030", "big5", "cp949", "euc_jp"]
CLOSE = 0.2  # in the share of sound words, up to which an encoding may be meant
ENOUGH = 0.85  # share of words that must be sound
USUAL_ENOUGH = 0.6  # share of usual letters in an encoding that is seldom met
SELDOM_MET = frozenset(CANDIDATES) - {"cp1251", "cp1252"}
SUGGESTED = 3
WORD = re.compile(rb"[A-Za-z\x80-\xff]+")
LETTERS = re.compile(r"[^\W\d_]+")
SCRIPTS = re.compile(r"[A-Za-z\u00aa-\u024f]+|[\u0400-\u04ff]+|[\u0370-\u03ff]+")
CASES = re.compile(r"U?L+|U+|(UL+){2,3}")
MISPLACED_SIGN = re.compile(r"[^\W\d_][«„‘]|[®™][^\W\d_]")
SIGNS_BESIDE_LETTERS = frozenset("«»“”„‘’–—…®™\u00a0")
SIGNS_APART = frozenset("№°€£§•·²³½±×")
ACCENTED_RUN = re.compile(r"[^\x00-\x7f]{3}")


@dataclass(frozen=True)
class Decoded:
    """A text file's content in UTF-8.

    Attributes
    ----------
    text : bytes
        UTF-8 without a byte order mark; the very bytes of the file where nothing had to be changed.
    encoding : str
        The file's encoding, as Python calls it.
    evidence : str
        The sentence that says how it is known.
    damaged : mapping of int to str
        Lines in another encoding than the rest: from their position (0 is the first; lines then end with a newline
        alone) to the reason, which also says how `text` shows them.
    """

    text: bytes
    encoding: str
    evidence: str
    damaged: Mapping[int, str] = field(default_factory=dict)


def decode(content: bytes, name: str, hint: str | None = None) -> Decoded:
    """Find a text file's encoding and turn it into UTF-8.

    A byte order mark counts first, then valid UTF-8, then the zeros of UTF-16. An encoding of one byte a letter is
    told by the words with letters beyond ASCII: in the right one each is of a single script, with capitals where
    words have them and no signs inside. Only a sample of such lines is looked at, however long the file. Where
    most of them are valid UTF-8, that is the encoding, and the others are damaged lines.

    Parameters
    ----------
    content : bytes
    name : str
        What messages call the file.
    hint : str, optional
        The encoding according to the parameters; it overrules every guess.

    Raises
    ------
    Refusal
        When the file is no text, isn't in the encoding of the hint or of its mark, or the encoding can't be told.
    """
    _refuse_other_kinds(content, name)
    if hint is not None:
        return Decoded(_converted(content, hint, name), hint, "As the parameter encoding says.")
    for mark, encoding in MARKS.items():
        if content.startswith(mark):
            evidence = "The file begins with this encoding's byte order mark."
            return Decoded(_converted(content, encoding, name), encoding, evidence)
    if b"\0" in content:
        utf16 = _utf16_without_mark(content[:START])
        if utf16:
            evidence = "Every other byte of plain letters is zero, as in this encoding; there is no byte order mark."
            return Decoded(_converted(content, utf16, name), utf16, evidence)
        _refuse_binary(content[:START], name)
    if content.isascii():
        return Decoded(content, "utf-8", "Every letter is plain ASCII, the same in all usual encodings.")
    end_of_valid = _end_of_valid_utf8(content)
    if end_of_valid == len(content):
        return Decoded(content, "utf-8", "Every letter beyond ASCII is valid UTF-8.")
    is_cut_off = CUT_OFF_LETTER.fullmatch(content, end_of_valid) is not None
    content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    lines = _lines_beyond_ascii(content)
    if is_cut_off or 2 * sum(map(_is_utf8, lines)) > len(lines):
        return _line_by_line(content, "utf-8", "Most lines with letters beyond ASCII are valid UTF-8.")
    encoding, evidence = _of_one_byte(b"\n".join(line for line in lines if not _is_utf8(line)), name)
    return _line_by_line(content, encoding, evidence)


def _refuse_other_kinds(content: bytes, name: str) -> None:
    kind = next((kind for first, kind in KINDS_BY_FIRST_BYTES.items() if content.startswith(first)), None)
    if WEB_PAGE.match(content[:START]):
        kind = "a web page"
    if kind is not None:
        raise Refusal(f"{name}: is no text file but looks like {kind}. Export it as CSV, or name it as what it is.")


def _refuse_binary(start: bytes, name: str) -> None:
    """Refuse a file with NUL bytes unless they stand in a few rows of a text, as after a write that broke off."""
    text = start.replace(b"\0", b"")
    lines = [line for line in start.splitlines() if line.strip()]
    with_nul = sum(b"\0" in line for line in lines)
    if (
        not text.strip()
        or len(text) - len(text.translate(None, CONTROLS)) > len(text) / 50
        or 2 * with_nul > len(lines)
    ):
        raise Refusal(
            f"{name}: is no text file but binary data: it is full of NUL bytes or control characters. "
            "Export it as CSV, or set ledger.encoding, for example to utf-16-le."
        )


def _utf16_without_mark(start: bytes) -> str | None:
    """Return the encoding if zeros stand in every other place and the text they belong to is of letters."""
    start = start[: len(start) // 2 * 2]
    first, second = start[::2].count(0), start[1::2].count(0)
    if max(first, second) * 20 < len(start) or min(first, second) * 20 > max(first, second):
        return None
    encoding = "utf-16-le" if second > first else "utf-16-be"
    text = start.decode(encoding, errors="replace")
    plain = sum(sign < "\u0500" and (sign.isprintable() or sign in "\t\r\n") for sign in text)
    return encoding if plain > 0.9 * len(text) else None


def _converted(content: bytes, encoding: str, name: str) -> bytes:
    """Return the whole of `content` as UTF-8 without a mark, piece by piece to spare memory."""
    if codecs.lookup(encoding).name == "utf-8" and _end_of_valid_utf8(content) == len(content):
        return content.removeprefix(codecs.BOM_UTF8)
    out = io.BytesIO()
    at = 0
    try:
        decoder = codecs.getincrementaldecoder(encoding)()
        for at in range(0, len(content), CHUNK):
            text = decoder.decode(content[at : at + CHUNK], at + CHUNK >= len(content))
            out.write((text.removeprefix("\ufeff") if out.tell() == 0 else text).encode())
    except UnicodeError as reason:
        row = content.count(b"\n", 0, at + getattr(reason, "start", 0)) + 1
        others = [other for other in ("cp1251", "cp1252", "utf-8", "utf-16") if other != encoding][:SUGGESTED]
        raise Refusal(f"{name}: row {row:,} is not valid {encoding} text. {_remedy(others)}") from None
    return out.getvalue()


def _end_of_valid_utf8(content: bytes) -> int:
    decoder = codecs.getincrementaldecoder("utf-8")()
    for at in range(0, len(content), CHUNK):
        pending = len(decoder.getstate()[0])
        try:
            decoder.decode(content[at : at + CHUNK], at + CHUNK >= len(content))
        except UnicodeDecodeError as reason:
            return at - pending + reason.start
    return len(content)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _lines_beyond_ascii(content: bytes) -> list[bytes]:
    """Return lines with letters beyond ASCII from places spread over the whole file."""
    places = [at for at in range(0, len(content), START) if not content[at : at + START].isascii()]
    lines = []
    for place in places[:: len(places) // SAMPLED_PIECES + 1]:
        start = content.rfind(b"\n", 0, place) + 1 if place else 0
        # one endless line would be read again from every place in it
        piece = content[max(start, place - START) : place + START].split(b"\n")
        lines += [line for line in piece[: max(1, len(piece) - 1)] if not line.isascii()]
    return lines or [content[-START:]]


def _chunks_of_lines(content: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(content):
        end = content.rfind(b"\n", at, at + CHUNK) + 1 or content.find(b"\n", at) + 1 or len(content)
        yield content[at:end]
        at = end


def _line_by_line(content: bytes, encoding: str, evidence: str) -> Decoded:
    out = io.BytesIO()
    damaged: dict[int, str] = {}
    first = 0
    for chunk in _chunks_of_lines(content):
        try:
            text = chunk.decode(encoding).encode()
            is_sound = encoding == "utf-8" or not UTF8_PAIR.search(chunk)
        except UnicodeDecodeError:
            is_sound = False
        if is_sound:
            out.write(text)
        else:
            lines = []
            for at, line in enumerate(chunk.split(b"\n"), first):
                text, reason = _decoded_line(line, encoding)
                lines.append(text)
                if reason:
                    damaged[at] = reason
            out.write(b"\n".join(lines))
        first += chunk.count(b"\n")
    if damaged:
        evidence += f" {plural(len(damaged), 'line')} can't be read so."
    return Decoded(out.getvalue(), encoding, evidence, damaged)


def _decoded_line(line: bytes, encoding: str) -> tuple[bytes, str]:
    if line.isascii():
        return line, ""
    if encoding != "utf-8" and _is_utf8(line):
        return line, f"is UTF-8 in a file that is {encoding} (shown as UTF-8)"
    try:
        return line.decode(encoding).encode(), ""
    except UnicodeDecodeError:
        return line.decode("latin-1").encode(), f"is not valid {encoding} as the rest of the file is (shown as latin-1)"


def _of_one_byte(sample: bytes, name: str) -> tuple[str, str]:
    words = list(Counter(word for word in WORD.findall(sample) if not word.isascii()))[:SAMPLED_WORDS]
    scores = {encoding: _score(words, encoding, usual) for encoding, usual in CANDIDATES.items()}
    ranked = sorted(scores, key=scores.__getitem__, reverse=True)
    best = ranked[0]
    sample = sample[:START]
    if by_language := _by_language(words, [name for name in ranked if scores[best][0] - scores[name][0] <= CLOSE]):
        encoding, languages = by_language
        shown = " or ".join(languages[:2])
        return encoding, f"It is no UTF-8; in this encoding all its letters beyond ASCII are those of {shown}."
    if scores[best][0] < ENOUGH or (best in SELDOM_MET and scores[best][1] < USUAL_ENOUGH):
        matches = from_bytes(sample, cp_isolation=[*CANDIDATES, *FURTHER], enable_fallback=False)
        match = matches.best()
        if match is None or match.coherence == 0:
            likely = dict.fromkeys([*(match.encoding for match in matches)][: SUGGESTED - 1] + ranked)
            raise Refusal(f"{name}: its encoding can't be told for certain. {_remedy(list(likely)[:SUGGESTED])}")
        return match.encoding, f"It is no UTF-8, and its letters are those of {match.language} in this encoding."
    evidence = "It is no UTF-8; in this encoding its words with letters beyond ASCII are sound"
    reading = _reading(words, best)
    rivals = [other for other in ranked[1:] if scores[other] == scores[best] and _reading(words, other) != reading]
    if not rivals:
        return best, f"{evidence}."
    match = from_bytes(sample, cp_isolation=[best, *rivals], enable_fallback=False).best()
    if match is not None and match.coherence > 0:
        return match.encoding, f"{evidence}, and its letters are those of {match.language}."
    return best, f"{evidence}, though {' or '.join(rivals[:2])} may be meant."


def _by_language(words: list[bytes], encodings: list[str]) -> tuple[str, list[str]] | None:
    """Return the first encoding in which all letters are one language's, if no other tells other letters so."""
    fitting = [(name, languages) for name in encodings if (languages := languages_of("".join(_reading(words, name))))]
    letters = {"".join(sign for sign in "".join(_reading(words, name)) if sign.isalpha()) for name, _ in fitting}
    has_letters = any(sign.isalpha() and not sign.isascii() for sign in "".join(_reading(words, encodings[0])))
    return fitting[0] if has_letters and len(letters) == 1 else None


def _remedy(encodings: list[str]) -> str:
    *first, last = encodings
    return f"Set ledger.encoding, for example to {', '.join(first)} or {last}."


def _reading(words: list[bytes], encoding: str) -> list[str]:
    return [word.decode(encoding, errors="replace") for word in words]


def _score(words: list[bytes], encoding: str, usual: frozenset[str]) -> tuple[float, float]:
    """Return the share of words that are sound, and the share of their letters that are usual, coarsely."""
    read = _reading(words, encoding)
    beyond = [sign for word in read for sign in word if not sign.isascii()]
    sound = sum(map(_is_sound, read)) / len(read)
    return round(sound, 2), round(sum(not sign.isalpha() or sign in usual for sign in beyond) / len(beyond), 1)


def _is_sound(word: str) -> bool:
    """Whether a word is of one script, with its capitals in their place and no sign that words don't have."""
    signs = {sign for sign in word if not sign.isalpha()}
    parts = LETTERS.findall(word)
    if not signs <= (SIGNS_BESIDE_LETTERS if parts else SIGNS_BESIDE_LETTERS | SIGNS_APART):
        return False
    return not MISPLACED_SIGN.search(word) and all(map(_is_sound_part, parts))


def _is_sound_part(part: str) -> bool:
    if not SCRIPTS.fullmatch(part):
        return False
    is_latin = part[0] < "\u0250"
    # Western words have letters with accents one by one, among plain ones
    if is_latin and (ACCENTED_RUN.search(part) or (len(part) > 1 and not any(map(str.isascii, part)))):
        return False
    cases = "".join("U" if letter.isupper() else "L" for letter in part)
    return CASES.fullmatch(cases) is not None
