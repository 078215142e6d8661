"""A first look, shown in a terminal: the guesses, the first rows as they would be read, and what to do next."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..wording import day, plural
from .look import FirstLook
from .masks import are_personal, masked
from .parameter_file import shown_path

ROWS_SHOWN = 5
SHOWN = ("customer", "date", "amount", "kind", "order", "quantity", "unit_price", "product", "category")
COLUMNS_SHOWN = 6
LONGEST_CELL = 20


def show_first_look(
    look: FirstLook, console: Console, file: Path | None = None, *, show_personal_data: bool = False
) -> None:
    """Print a first look.

    Parameters
    ----------
    look : FirstLook
    console : rich.console.Console
    file : Path, optional
        The parameter file that was written, for what to do next.
    show_personal_data : bool, default False
        Show customers' keys even where they are names, phones or mail addresses.
    """
    _say(console, f"{', '.join(look.names[:3])}{', ...' if len(look.names) > 3 else ''}: {plural(look.rows, 'row')}.")
    if look.lists_customers:
        _say(
            console, "This lists customers; it is no ledger of what they bought. Look at the file of purchases instead,"
        )
        _say(console, "and name this one under 'customers:' there, as the parameter file shows.")
    _show_columns(look, console)
    _show_reading(look, console)
    for note in look.notes:
        _say(console, f"Note: {note}")
    if look.ledger is not None:
        _show_rows(look, console, show_personal_data)
    for problem in look.problems:
        _say(console, f"To settle: {problem}")
    for meaning in look.missing:
        _say(console, f"To settle: no column was found for '{meaning}'. Write its name into the parameter file.")
    if file is not None:
        console.print()
        _say(console, f"Written: {shown_path(file)}")
        _say(console, f"Next: read it through, then customerbase check {shown_path(file)}")


def _show_columns(look: FirstLook, console: Console) -> None:
    guesses = look.particulars if look.lists_customers else look.columns
    if not guesses:
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("our name", "column", "why"):
        table.add_column(heading, overflow="fold")
    for guess in guesses:
        also = f"; could also be {', '.join(map(repr, guess.others))}" if guess.others else ""
        table.add_row(*map(_plain, (guess.meaning, guess.column or "not found", f"{guess.evidence}{also}")))
    console.print()
    console.print(table)


def _show_reading(look: FirstLook, console: Console) -> None:
    hints = [hint for hint in (*look.hints, look.currency) if hint is not None]
    if not hints:
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("reads with", "", "why"):
        table.add_column(heading, overflow="fold")
    for hint in hints:
        value = "to settle" if hint.choices else "" if hint.value is None else str(hint.value)
        why = "; ".join(f"{choice}: {meaning}" for choice, meaning in hint.choices) or hint.evidence
        table.add_row(*map(_plain, (hint.key, repr(value) if value.isspace() else value, why)))
    console.print()
    console.print(table)


def _show_rows(look: FirstLook, console: Console, show_personal_data: bool) -> None:
    assert look.ledger is not None  # noqa: S101 (the caller looked)
    rows, account = look.ledger.rows, look.ledger.account
    shown = [name for name in SHOWN if name in rows.columns][:COLUMNS_SHOWN]
    first = rows.select(shown).head(ROWS_SHOWN)
    if not show_personal_data:
        first = masked(first, all_keys=are_personal(rows["customer"]))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in shown:
        table.add_column(name, justify="right" if rows[name].dtype.is_numeric() else "left", no_wrap=True)
    for row in first.iter_rows():
        table.add_row(*map(_cell, row))
    console.print()
    console.print(table)
    console.print()
    days = rows["date"].dt.date()
    aside = f", {plural(account.rows_quarantined, 'row')} set aside" if account.rows_quarantined else ""
    _say(
        console,
        f"{plural(account.rows_used, 'row')} used{aside}: {plural(rows['customer'].n_unique(), 'customer')}, from "
        f"{day(days.min())} to {day(days.max())}, amounts of {account.amount_used:,.2f} in all.",  # type: ignore[arg-type]
    )


def _cell(value: object) -> Text:
    text = f"{value:,.2f}" if isinstance(value, float) else "" if value is None else str(value)
    return _plain(text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1]}…")


def _plain(text: str) -> Text:
    """Return a text in which nothing is markup, and signs that steer a terminal are question marks."""
    return Text("".join(sign if sign.isprintable() else "?" for sign in text))


def _say(console: Console, text: str) -> None:
    console.print(_plain(text))
