"""Files that come packed."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import Refusal
from ..wording import printable, shortened

ENDINGS = {".gz", ".zip"}
LARGEST_UNPACKED = 16 * 2**30  # bytes; an archive that claims more is no ledger
TOO_LARGE = f"unpacks to more than {LARGEST_UNPACKED:,} bytes, which is more than is read here. Export it in parts."
TOO_LARGE_HERE = "unpacks to more than this machine's memory holds. Export it in parts."
LONGEST_SHOWN = 40  # letters
PIECE = 16 * 2**20  # bytes


@dataclass(frozen=True)
class PackedFile:
    """A file out of an archive.

    Attributes
    ----------
    name : str
        What messages call it: ``sales.csv.gz``, ``archive.zip/sales.csv``.
    ending : str
        Of the file itself, with its point.
    content : bytes
    """

    name: str
    ending: str
    content: bytes


def unpack(name: str, content: bytes, endings: Collection[str]) -> Iterator[PackedFile]:
    """Unpack a ``.gz`` or a ``.zip``.

    Parameters
    ----------
    name : str
        The archive's.
    content : bytes
    endings : collection of str
        Of the files that are read from a ``.zip``, in the order of their names; others are passed over.

    Raises
    ------
    Refusal
        When the archive is damaged, protected by a password, too large, or holds none of these.
    """
    try:
        if Path(name).suffix.lower() == ".gz":
            yield PackedFile(name, Path(Path(name).stem).suffix.lower() or ".csv", _gunzipped(name, content))
        else:
            yield from _unzipped(name, content, endings)
    except MemoryError:
        raise Refusal(f"{name}: {TOO_LARGE_HERE}") from None
    except RuntimeError:
        raise Refusal(f"{name}: the archive is protected by a password. Unpack it first.") from None
    except (zipfile.BadZipFile, NotImplementedError, OSError, EOFError, zlib.error):
        raise Refusal(f"{name}: can't be unpacked; it is damaged or cut off. Pack it again.") from None


def _gunzipped(name: str, content: bytes) -> bytes:
    pieces, size = [], 0
    with gzip.open(io.BytesIO(content)) as file:
        while piece := file.read(PIECE):
            size += len(piece)
            if size > LARGEST_UNPACKED:
                raise Refusal(f"{name}: {TOO_LARGE}")
            pieces.append(piece)
    return b"".join(pieces)


def _unzipped(name: str, content: bytes, endings: Collection[str]) -> Iterator[PackedFile]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        tables = sorted(
            (member for member in archive.infolist() if _is_table(member, endings)), key=lambda member: member.filename
        )
        if not tables:
            raise Refusal(f"{name}: the archive holds no CSV, Parquet or Excel file. Pack the tables themselves.")
        if sum(member.file_size for member in tables) > LARGEST_UNPACKED:
            raise Refusal(f"{name}: {TOO_LARGE}")
        shown = [printable(member.filename) for member in tables]
        twice = [member for member, often in Counter(shown).items() if often > 1]
        if twice:
            raise Refusal(f"{name}: holds two files called '{shortened(twice[0], LONGEST_SHOWN)}'. Rename one of them.")
        for member, path in zip(tables, shown, strict=True):
            yield PackedFile(f"{name}/{path}", Path(path).suffix.lower(), archive.read(member))


def _is_table(member: zipfile.ZipInfo, endings: Collection[str]) -> bool:
    file = Path(member.filename)
    return not member.is_dir() and file.suffix.lower() in endings and not file.name.startswith(("~$", ".", "__"))
