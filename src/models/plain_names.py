"""Names from a ledger as plain text: short, on one line, told apart."""

import unicodedata
from collections import Counter
from collections.abc import Sequence

LONGEST_LABEL = 32


def plain(name: str, longest: int = LONGEST_LABEL) -> str:
    """Return a name from the ledger as short plain text on one line, without control characters.

    Parameters
    ----------
    name : str
    longest : int, default 32
        In characters; what is cut off is replaced by one ellipsis.
    """
    seen = "".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in name)
    seen = " ".join(seen.split()) or "unnamed"
    return seen if len(seen) <= longest else f"{seen[: longest - 1].rstrip()}…"


def plain_all(names: Sequence[str], longest: int = LONGEST_LABEL) -> list[str]:
    """Return names as `plain` does, numbered where two would read the same."""
    shortened = [plain(name, longest) for name in names]
    seen: Counter[str] = Counter()
    distinct = []
    for name in shortened:
        seen[name] += 1
        distinct.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return distinct
