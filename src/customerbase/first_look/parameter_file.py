"""The parameter file that a first look makes: each guess as a value, and beside it what speaks for it."""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from ..errors import Refusal
from ..ledger.header import shown_name
from ..parameters import KEYS, Parameters
from ..wording import count, plural
from .hints import OF_READING, Hint
from .look import LEFT_OPEN, NEEDED, FirstLook

WIDTH = 120
FURTHEST = 56  # where a comment stands at most, in letters from the left
NAMES_SHOWN = 12
PASSWORD = re.compile(r"^[^/]+//[^/@]*:[^/@]*@")
COUNTRY = "country: DE  # of telephone and tax numbers written without theirs"
EVERY_HINT = ("encoding", "delimiter", "decimal", "thousands", "date_format", "sheet", "header_row")
ABOUT = {
    "as_of": "last day observed; absent: the ledger's last day",
    "holdout_days": "kept back to test the forecast; absent: half of the ledger's span, at most a year",
    "time_unit": "day, week, month or year",
    "horizon_days": "how far ahead lifetime value looks",
    "annual_discount_rate": "what money a year from now is worth less",
    "margin": "share of revenue that is profit; absent: value is revenue",
    "interval": "coverage of every interval shown",
    "active_days": "a customer who bought within so many days is active",
    "currency": "shown beside amounts",
    "seed": "of everything drawn at random",
    "quarantine_limit": "share of the rows that may be set aside before a run is refused",
    "drop_duplicates": "whether rows that repeat another in every column are set aside",
    "required_fields": "columns of the customers' table that every record should have filled",
    "identity_threshold": "records are one customer from this probability on",
    "identity_review": "from this probability on a person is asked",
    "identity_decisions": "a list of pairs with a person's decisions; absent: that of the last run",
    "show_personal_data": "whether names, phones and the like may stand in pages, tables and call lists",
    "lookback_days": "days over which revenue, profit and shares count; absent: the whole ledger",
    "order_cost": "what serving one purchase costs; absent: not recorded",
    "contact_cost": "what one contact with a customer costs; absent: not recorded",
    "abc_limits": "shares of revenue at which A and B end",
    "xyz_limits": "variation at which X and Y end; the stricter practice takes 0.1 and 0.25",
    "xyz_period": "week, month or quarter, in which purchases are summed for XYZ",
    "xyz_measure": "amount or purchases: of what the variation is taken",
    "alive_limit": "a customer less likely than this to be one still counts as left",
    "adherent_share": "share of wallet from which a customer buys only from us",
    "reference_retention": "yearly retention that yours is shown beside; Toyota's by default",
    "reference_first_loss": "share of customers lost after the first purchase that yours is shown beside",
    "contract_period": "month, quarter or year, in which contracts are renewed",
    "most_valuable_share": "share of the customers that count as most valuable",
    "most_growable_share": "share of the customers that count as most growable",
    "needs_categories": "how many categories of products are told apart in what customers need",
    "clusters": "how many groups by needs are made; absent: chosen by what the data show",
    "good_customer_share": "share of the customers, by what they brought, who count as good ones",
    "good_customer_days": "days after the first purchase in which that is counted",
    "campaign_days": "how long a campaign's effect is counted where its events name no last day",
    "analysis_every_days": "how old the last analysis may be",
    "key_account_share": "share of the revenue of company, department or manager that makes a key account",
    "key_account_score": "score of reputation, innovator or demanding that makes a key account",
    "key_accounts_per_manager": "how many key accounts one manager can hold",
    "dependency_limits": "shares of revenue from which one customer is watched, high, dangerous, critical",
    "silence": "a key account is silent when one still alive would have bought by now with this probability",
    "playbook": "rules that decide on each customer's action; absent: the suite's own, shown in chapter 8",
    "consent_required": "whether only those who said yes may stand on contact lists",
    "control_share": "share of each list that is held out, to measure what the action did",
    "lever": "by how much each lever of growth is moved",
    "retention_points": "by how much yearly retention is raised in the simulation",
    "dossiers": "for how many key accounts a run makes a page",
    "customer": "whose dossier is drawn; absent: the most valuable customer's",
}
EXAMPLES: Mapping[str, Any] = {
    "as_of": "2024-12-31",
    "holdout_days": 182,
    "margin": 0.30,
    "required_fields": ["name", "phone"],
    "identity_decisions": "data/decisions.csv",
    "lookback_days": 365,
    "clusters": 5,
    "order_cost": 5.0,
    "contact_cost": 10.0,
    "playbook": [{"action": "keep at low cost", "because": "written by hand"}],
    "customer": "001",
}
SIDE_TABLES = {
    "customers": (
        "a table of your customers, one row each: with it, those recorded twice are found",
        {
            "path": "data/customers.csv",
            "columns": {"customer": "id", "name": "name", "email": "email", "phone": "phone"},
        },
    ),
    "events": (
        "complaints, refusals, surveys, contacts",
        {"path": "data/events.csv", "columns": {"customer": "id", "date": "date", "kind": "kind", "reason": "reason"}},
    ),
    "spending": (
        "what was spent on winning and keeping customers",
        {"path": "data/spending.csv", "columns": {"date": "date", "purpose": "purpose", "amount": "amount"}},
    ),
}


def write_parameters(look: FirstLook, file: Path, *, force: bool = False) -> None:
    """Write the parameter file of a first look.

    Parameters
    ----------
    look : FirstLook
    file : Path
    force : bool, default False
        Replace a file that is there.

    Raises
    ------
    Refusal
        When the file is there already, or can't be written.
    """
    text = as_yaml(look, file)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("w" if force else "x", encoding="utf-8") as written:
            written.write(text)
    except OSError as reason:
        if isinstance(reason, FileExistsError) and file.is_file():
            problem = "is there already and was left as it is. Give --force to replace it, or another --name"
        else:
            problem = f"can't be written: {reason.strerror}. Name another file"
        raise Refusal(f"{shown_path(file)}: {problem}.") from None


def as_yaml(look: FirstLook, file: Path) -> str:
    """Return the text of a first look's parameter file.

    Parameters
    ----------
    look : FirstLook
    file : Path
        Where the text will be.
    """
    lines = [
        f"# The customer base '{look.base}', as guessed from {_listed(look.names)}.",
        "# Beside each guess stands what speaks for it. Read them through and mend what is wrong; then:",
        f"#   customerbase check {shown_path(file)}",
        *_beside("", "base", look.base, ["names the run folder"]),
        *(_customers_file(look) if look.lists_customers else _ledger(look)),
        "",
        "# Parameters below have a # in front where the default is taken.",
        *_others(look),
    ]
    return "\n".join(lines) + "\n"


def _ledger(look: FirstLook) -> list[str]:
    lines = ["ledger:", *_source(look, "  ")]
    lines += [f"  # {note}" for said in look.notes for note in _wrapped(said, WIDTH - 4)]
    lines += ["  columns:  # our name: the file's name"]
    open_mark = _left_open([guess.column for guess in look.columns if guess.column] + list(look.unused))
    for guess in look.columns:
        evidence = guess.evidence.split("; ")
        if guess.column is None:
            evidence += ["write the column's name here", *_instead("it could be", guess.others)]
        else:
            evidence += _instead("could also be", guess.others)
        lines += _beside("    ", guess.meaning, open_mark if guess.column is None else guess.column, evidence)
    if look.unused:
        shown = _listed([shown_name(name) for name in look.unused])
        lines += [f"    # {line}" for line in _wrapped(f"Nothing is taken from: {shown}.", WIDTH - 6)]
    lines += [line for hint in look.hints for line in _hint("  ", hint)]
    absent = [key for key in EVERY_HINT if key not in {hint.key for hint in look.hints}]
    if absent:
        lines.append(f"  # Further hints, for where the reader is wrong: {', '.join(absent)}.")
    if look.particulars:
        told = ", ".join(guess.meaning for guess in look.particulars)
        lines += ["", f"# The ledger itself tells the customers' {told}. Take the # away to find those recorded twice:"]
        lines += [f"# {line}" for line in _customers(look)]
    return lines


def _customers_file(look: FirstLook) -> list[str]:
    said = (
        "This file lists customers; it is no ledger of what they bought. Name the ledger's file and its columns here, "
        "and take the # away from the section customers below."
    )
    lines = [f"# {line}" for line in _wrapped(said, WIDTH - 2)]
    lines += ["ledger:", *_beside("  ", "path", LEFT_OPEN, ["the file of purchases"]), "  columns:"]
    for meaning in NEEDED:
        lines += _beside("    ", meaning, LEFT_OPEN, ["the column's name in that file"])
    return [*lines, *(f"# {line}" for line in _customers(look))]


def _source(look: FirstLook, indent: str) -> list[str]:
    rows = [plural(look.rows, "row")]
    if PASSWORD.match(look.source.path):
        rows.append("holds a password: keep this file to yourself, or use PGPASSWORD or ~/.pgpass instead")
    lines = _beside(indent, "path", look.source.path, rows)
    return lines + ([] if look.source.query is None else _beside(indent, "query", look.source.query, []))


def _customers(look: FirstLook) -> list[str]:
    """Return the section about the table of customers."""
    lines = ["customers:", *_source(look, "  "), "  columns:"]
    guesses = list(look.particulars)
    if not look.lists_customers:
        guesses = [guess for guess in look.columns if guess.meaning == "customer"] + guesses
    for guess in guesses:
        evidence = guess.evidence.split("; ") if look.lists_customers or guess.meaning != "customer" else []
        lines += _beside("    ", guess.meaning, guess.column or LEFT_OPEN, evidence)
    hints = [hint for hint in look.hints if hint.value is not None and hint.key in OF_READING]
    lines += [line for hint in hints for line in _hint("  ", hint)]
    return [*lines, f"  # {COUNTRY}"]


def _hint(indent: str, hint: Hint) -> list[str]:
    evidence = hint.evidence.split("; ")
    if hint.choices:
        lines = [f"{indent}# {hint.evidence}:"]
        for value, meaning in hint.choices:
            lines += _beside(f"{indent}# ", hint.key, value, [meaning])
        return lines
    if hint.value is None:
        return [f"{indent}# {line}" for line in _wrapped(f"{hint.key}: {hint.evidence}", WIDTH - len(indent) - 2)]
    return _beside(indent, hint.key, hint.value, evidence)


def _others(look: FirstLook) -> list[str]:
    lines: list[str] = []
    for key in KEYS:
        if key in ("base", "ledger") or (key == "customers" and (look.lists_customers or look.particulars)):
            continue
        if key in SIDE_TABLES:
            about, example = SIDE_TABLES[key]
            lines += [f"# {key}:  # {about}", *(f"#   {name}: {_flow(value)}" for name, value in example.items())]
        elif key == "currency" and look.currency is not None and look.currency.value is not None:
            lines += _beside("", key, look.currency.value, [look.currency.evidence])
        else:
            about = ABOUT[key]
            if key == "currency" and look.currency is not None:
                about = look.currency.evidence
            lines += _beside("# ", key, _example(key, look), [about])
    return lines


def _example(key: str, look: FirstLook) -> Any:
    if key == "as_of" and look.ledger is not None:
        return look.ledger.rows["date"].dt.date().max()
    default = Parameters.model_fields[key].default
    return EXAMPLES[key] if default is None else default


def shown_path(file: Path) -> str:
    """Return a file's path as it is written in a command, from the folder one is in."""
    here = Path.cwd()
    shown = str(file.relative_to(here) if file.is_relative_to(here) else file)
    return shlex.quote(_one_line(shown))


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{{', '.join(f'{scalar(name)}: {_flow(part)}' for name, part in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_flow, value))}]"
    return scalar(value)


def scalar(value: Any) -> str:
    """Return a value as YAML in one line; text that YAML would take for anything else is quoted."""
    plain = yaml.safe_dump(value, allow_unicode=True, width=float("inf")).removesuffix("...\n").removesuffix("\n")
    if not isinstance(value, str) or plain == value:
        return plain
    quoted = yaml.safe_dump(value, allow_unicode=True, width=float("inf"), default_style='"')
    return quoted.removesuffix("\n")


def _beside(indent: str, key: str, value: Any, evidence: Sequence[str]) -> list[str]:
    """Write a key with its value, and the evidence beside it in a column of its own."""
    given = f"{indent}{key}: {_flow(value)}"
    if not evidence:
        return [given]
    at = min(len(given) + 2, FURTHEST)
    is_commented = indent.lstrip().startswith("#")
    said = _wrapped("; ".join(evidence), WIDTH - at - 2)
    if len(given) + 2 > FURTHEST:
        # a long value leaves no room beside it
        return [given, *(f"{indent if is_commented else indent + '# '}  {line}" for line in said)]
    first, *rest = said
    left = "#" if is_commented else ""
    return [f"{given}  # {first}", *(f"{left.ljust(at)}# {line}" for line in rest)]


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(_one_line(text), width, break_on_hyphens=False) or [""]


def _one_line(text: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def _instead(said: str, others: Iterable[str]) -> list[str]:
    shown = " or ".join(shown_name(name) for name in others)
    return [f"{said} {shown}"] if shown else []


def _left_open(names: Iterable[str]) -> str:
    """Return a mark that is no column's name."""
    mark = LEFT_OPEN
    while mark in names:
        mark += "?"
    return mark


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(_one_line(name) for name in names[:NAMES_SHOWN])
    more = len(names) - NAMES_SHOWN
    return f"{shown} and {count(more)} more" if more > 0 else shown
