"""A first look, shown in a terminal: the guesses, the first rows as they would be read, and what to do next."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from ..ledger import Ledger
from ..ledger.numbers import as_text
from ..personal_data import are_personal
from ..wording import day, plural
from .look import SAMPLED, FirstLook
from .masks import masked
from .parameter_file import shown_path
from .terminal import add_row, new_table, say, show

SHOWN = ("customer", "date", "amount", "kind", "order", "quantity", "unit_price", "product", "category")
COLUMNS_SHOWN = 6
NAMES_SHOWN = 3
LONGEST_CELL = 18


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
    names = ", ".join(look.names[:NAMES_SHOWN]) + ", ..." * (len(look.names) > NAMES_SHOWN)
    say(console, f"{names}: {plural(look.rows, 'row')}.")
    if look.lists_customers:
        about = "This lists customers; it is no ledger of what they bought. Look at the file of purchases instead, and "
        say(console, f"{about}name this one under 'customers:' there, as the parameter file shows.")
    _show_columns(look, console)
    _show_reading(look, console)
    _show_rows(look, console, show_personal_data)
    if look.ledger is not None:
        _show_account(look.ledger, console)
    for note in look.notes:
        say(console, f"Note: {note}")
    for problem in look.problems:
        say(console, f"To settle: {problem}")
    for meaning in look.missing:
        say(console, f"To settle: no column was found for '{meaning}'. Write its name into the parameter file.")
    if file is not None:
        console.print()
        say(console, f"Written: {shown_path(file)}")
        say(console, f"Next: read it through, then: customerbase check {shown_path(file)}")


def _show_columns(look: FirstLook, console: Console) -> None:
    table = new_table("our name", "column", "why")
    for guess in look.particulars if look.lists_customers else look.columns:
        also = f"; could also be {' or '.join(map(repr, guess.others))}" if guess.others else ""
        add_row(table, guess.meaning, guess.column or "not found", f"{guess.evidence}{also}")
    console.print()
    show(console, table, 0)


def _show_reading(look: FirstLook, console: Console) -> None:
    hints = [hint for hint in (*look.hints, look.currency) if hint is not None]
    if not hints:
        return
    table = new_table("reads with", "", "why")
    for hint in hints:
        value = "to settle" if hint.choices else "" if hint.value is None else str(hint.value)
        why = "; ".join(f"{choice}: {meaning}" for choice, meaning in hint.choices) or hint.evidence
        add_row(table, hint.key, repr(value) if value.isspace() else value, why)
    console.print()
    show(console, table, 0)


def _show_rows(look: FirstLook, console: Console, show_personal_data: bool) -> None:
    rows = look.sample if look.ledger is None else look.ledger.rows.head(SAMPLED)
    names = [name for name in SHOWN if name in rows.columns][:COLUMNS_SHOWN]
    if not names:
        return
    first = rows.select(names)
    if "customer" in names:
        keys = look.sample["customer"] if look.ledger is None else look.ledger.rows["customer"].unique()
        hide = not show_personal_data and are_personal(as_text(keys))
        first = first if show_personal_data else masked(first.with_columns(as_text(first["customer"])), all_keys=hide)
    table = new_table(*names, numbers=[name for name in names if rows[name].dtype.is_numeric()])
    for row in first.iter_rows(named=True):
        add_row(table, *(_cell(row[name], name) for name in names))
    console.print()
    say(console, "The first rows as they would be read:" if look.ledger is not None else "The first rows as written:")
    show(console, table, 0)
    console.print()


def _show_account(ledger: Ledger, console: Console) -> None:
    days = ledger.rows["date"].dt.date()
    account = ledger.account
    aside = f", {plural(account.rows_quarantined, 'row')} set aside" if account.rows_quarantined else ""
    say(
        console,
        f"{plural(account.rows_used, 'row')} used{aside}: {plural(ledger.rows['customer'].n_unique(), 'customer')}, "
        f"from {day(days.min())} to {day(days.max())}, amounts of {account.amount_used:,.2f} in all.",  # type: ignore[arg-type]
    )


def _cell(value: object, name: str) -> str:
    if isinstance(value, float):
        return f"{value:,.2f}".removesuffix(".00" if name == "quantity" else "")
    text = "" if value is None else str(value)
    return text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1]}…"
