"""The parameter file of a customer base: its schema, and errors that name the key and the remedy."""

from __future__ import annotations

import datetime as dt
import re
import reprlib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from .errors import Refusal

LedgerColumn = Literal[
    "customer",
    "date",
    "amount",
    "order",
    "quantity",
    "unit_price",
    "product",
    "category",
    "cost",
    "discount",
    "kind",
    "channel",
    "manager",
    "department",
    "brand",
    "coupon",
]
Meaning = TypeVar("Meaning", bound=str)
TimeUnit = Literal["day", "week", "month", "year"]
Share = Annotated[float, Field(gt=0, le=1)]
Limits = Annotated[list[Annotated[float, Field(gt=0, allow_inf_nan=False)]], Field(min_length=2, max_length=2)]

PASSWORD = re.compile(r"^([^:/]+://[^:/@]*:).*@")
PASSWORD_OPTION = re.compile(r"([?&]password=)[^&]*")
HIDDEN_PASSWORD = "*"  # noqa: S105 (what stands in its place)
LONGEST_SHOWN = 60
LONGEST_LINE = 200


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class TableSource(_Section):
    """Where a table is, and how it reads; a reading hint that is absent is found from the file."""

    path: Annotated[str, Field(min_length=1)]
    query: Annotated[str, Field(min_length=1)] | None = None
    encoding: str | None = None
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    decimal: Literal[".", ","] | None = None
    thousands: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    date_format: str | None = None
    sheet: str | int | None = None
    header_row: Annotated[int, Field(ge=1, le=1_048_576)] | None = None

    @property
    def is_database(self) -> bool:
        """Whether the path is a database's URL."""
        return "://" in self.path

    @model_validator(mode="after")
    def _signs_differ(self) -> Self:
        if self.decimal is not None and self.decimal == self.thousands:
            raise ValueError(f"decimal and thousands can't both be '{self.decimal}'")
        return self

    @model_validator(mode="after")
    def _query_belongs_to_a_database(self) -> Self:
        if self.is_database and self.query is None:
            raise ValueError("the path is a database, so query must hold the SELECT that reads the rows")
        if self.query is not None and not self.is_database:
            raise ValueError("query needs a path that is a database, such as sqlite:///data/shop.db")
        return self

    @field_validator("delimiter")
    @classmethod
    def _delimiter_is_plain(cls, delimiter: str | None) -> str | None:
        if delimiter is not None and (not delimiter.isascii() or delimiter in '"\n\r\0'):
            raise ValueError(f"{delimiter!r} can't set columns apart; try ',' or ';' or a tab")
        return delimiter

    @field_validator("thousands")
    @classmethod
    def _thousands_are_no_part_of_a_number(cls, thousands: str | None) -> str | None:
        if thousands is not None and (thousands.isalnum() or thousands in "+-"):
            raise ValueError(f"{thousands!r} can't set thousands apart; try ',' or '.' or a space")
        return thousands

    @field_validator("date_format")
    @classmethod
    def _date_format_is_a_pattern(cls, date_format: str | None) -> str | None:
        if date_format is not None and "%" not in date_format:
            raise ValueError(f"{_short(date_format)} is no pattern of a date; write one such as %d.%m.%Y")
        return date_format

    @field_validator("sheet", mode="before")
    @classmethod
    def _sheet_is_a_name_or_number(cls, sheet: Any) -> Any:
        is_number = isinstance(sheet, int) and not isinstance(sheet, bool) and 0 <= sheet < 2**16
        if not (sheet is None or isinstance(sheet, str) or is_number):
            raise ValueError(f"should be a sheet's name, or its number from 0 on, but it is {_short(sheet)}")
        return sheet

    @field_validator("encoding")
    @classmethod
    def _encoding_is_known(cls, encoding: str | None) -> str | None:
        try:
            # codecs that make no text of bytes, such as base64, are refused here too
            "a".encode(encoding or "utf-8")
        except (LookupError, ValueError):
            raise ValueError(f"{_short(encoding)} is no encoding that Python knows; try utf-8 or cp1251") from None
        return encoding


class LedgerSource(TableSource):
    """Where the purchases are, and which of the file's columns is which."""

    columns: dict[LedgerColumn, str]

    @model_validator(mode="after")
    def _has_what_a_purchase_needs(self) -> Self:
        missing = {"customer", "date"} - self.columns.keys()
        if "amount" not in self.columns and not {"quantity", "unit_price"} <= self.columns.keys():
            missing.add("amount (or quantity and unit_price)")
        if missing:
            raise ValueError(f"columns must name the file's column for: {', '.join(sorted(missing))}")
        return self

    @field_validator("columns")
    @classmethod
    def _names_are_bare(cls, columns: dict[LedgerColumn, str]) -> dict[LedgerColumn, str]:
        return _bare(columns)


class SideTable(TableSource):
    """A further table about the same customers: their particulars, events, or spending on them."""

    NEEDED: ClassVar[tuple[str, ...]] = ()

    columns: dict[str, str]

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        missing = [name for name in self.NEEDED if name not in self.columns]
        if missing:
            raise ValueError(f"columns must name the file's column for: {', '.join(missing)}")
        return self

    @field_validator("columns")
    @classmethod
    def _names_are_bare(cls, columns: dict[str, str]) -> dict[str, str]:
        return _bare(columns)


class CustomersTable(SideTable):
    """One row a customer: names, ways to reach them, consent, and whatever else is known.

    `country` is the two-letter code of the country whose telephone and tax numbers are written without theirs.
    """

    NEEDED = ("customer",)

    country: Annotated[str, Field(pattern="^[A-Z]{2}$")] | None = None


class EventsTable(SideTable):
    """What happened with customers beside purchases: complaints, refusals, surveys, contacts."""

    NEEDED = ("customer", "date", "kind")


class SpendingTable(SideTable):
    """What was spent on winning and on keeping customers."""

    NEEDED = ("date", "purpose", "amount")


class Parameters(_Section):
    """Everything a run needs to know about one customer base.

    An absent key takes the default written here. `as_of` absent is the ledger's last day; `holdout_days` absent
    is half of the ledger's span in whole weeks, at most a year; `margin` absent means that value is revenue.
    """

    base: Annotated[str, Field(pattern=r"^[^\W_][\w.-]{0,63}$")]
    ledger: LedgerSource
    customers: CustomersTable | None = None
    events: EventsTable | None = None
    spending: SpendingTable | None = None
    quarantine_limit: Annotated[float, Field(ge=0, le=1)] = 0.05
    drop_duplicates: bool = False
    required_fields: list[str] | None = None
    identity_threshold: Annotated[float, Field(gt=0, le=1)] = 0.95
    identity_review: Annotated[float, Field(ge=0, le=1)] = 0.50
    identity_decisions: str | None = None
    show_personal_data: bool = False
    as_of: dt.date | None = None
    holdout_days: Annotated[int, Field(ge=1, le=36_525)] | None = None
    time_unit: TimeUnit = "week"
    horizon_days: Annotated[int, Field(ge=1, le=36_525)] = 365
    annual_discount_rate: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] = 0.10
    margin: Annotated[float, Field(gt=0, le=1)] | None = None
    interval: Annotated[float, Field(gt=0, lt=1)] = 0.80
    active_days: Annotated[int, Field(ge=1, le=36_525)] = 180
    lookback_days: Annotated[int, Field(ge=1, le=36_525)] | None = None
    order_cost: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    contact_cost: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    abc_limits: Limits = [0.80, 0.95]
    xyz_limits: Limits = [0.50, 1.00]
    xyz_period: Literal["week", "month", "quarter"] = "month"
    xyz_measure: Literal["amount", "purchases"] = "amount"
    alive_limit: Share = 0.50
    adherent_share: Share = 0.80
    reference_retention: Share = 0.70
    reference_first_loss: Share = 0.30
    contract_period: Literal["month", "quarter", "year"] = "year"
    most_valuable_share: Share = 0.10
    most_growable_share: Share = 0.10
    needs_categories: Annotated[int, Field(ge=2, le=50)] = 12
    clusters: Annotated[int, Field(ge=2, le=12)] | None = None
    good_customer_share: Annotated[float, Field(gt=0, lt=1)] = 0.20
    good_customer_days: Annotated[int, Field(ge=1, le=36_525)] = 180
    campaign_days: Annotated[int, Field(ge=1, le=3_660)] = 30
    analysis_every_days: Annotated[int, Field(ge=1, le=36_525)] = 730
    key_account_share: Share = 0.10
    key_account_score: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 5
    key_accounts_per_manager: Annotated[int, Field(ge=1)] = 3
    dependency_limits: Annotated[list[Share], Field(min_length=4, max_length=4)] = [0.20, 0.30, 0.40, 0.50]
    silence: Annotated[float, Field(gt=0, lt=1)] = 0.90
    playbook: list[dict[str, Any]] | None = None
    consent_required: bool = True
    control_share: Annotated[float, Field(ge=0, lt=1)] = 0.10
    lever: Share = 0.10
    retention_points: Share = 0.05
    dossiers: Annotated[int, Field(ge=0)] = 20
    customer: Annotated[str, Field(min_length=1)] | None = None
    currency: Annotated[str, Field(min_length=1, max_length=12)] = "USD"
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 2026

    @field_validator("customer", mode="before")
    @classmethod
    def _customer_is_text(cls, customer: Any) -> Any:
        if customer is not None and not isinstance(customer, str):
            # zeros before it are lost by now, so it can't be guessed
            raise ValueError(
                f"{_short(customer)} is no text, and a key may begin with zeros: write it in quotes, or with papermill "
                "-r customer KEY in place of -p"
            )
        return customer

    @field_validator("abc_limits", "xyz_limits", "dependency_limits")
    @classmethod
    def _limits_rise(cls, limits: list[float]) -> list[float]:
        if sorted(set(limits)) != limits:
            raise ValueError(f"should rise from one to the next, but it is {_short(limits)}")
        return limits

    @field_validator("abc_limits")
    @classmethod
    def _limits_are_shares(cls, limits: list[float]) -> list[float]:
        if limits[-1] >= 1:
            raise ValueError(f"should be shares below 1, but it is {_short(limits)}")
        return limits

    @field_validator("as_of", mode="before")
    @classmethod
    def _read_date(cls, value: Any) -> Any:
        # YAML gives a date or a string, papermill always a string
        if isinstance(value, dt.datetime):
            return value.date()
        if value is None or isinstance(value, dt.date):
            return value
        try:
            return dt.date.fromisoformat(value)
        except (TypeError, ValueError):
            raise ValueError(f"{_short(value)} is no date; write it as 1998-06-30") from None

    @field_validator("playbook", mode="before")
    @classmethod
    def _rules_are_a_list(cls, rules: Any) -> Any:
        if rules is not None and not (isinstance(rules, list) and all(isinstance(rule, dict) for rule in rules)):
            raise ValueError("should be a list of rules, each with action, when, because and offer, as chapter 8 shows")
        return rules

    @field_validator("playbook")
    @classmethod
    def _rules_can_be_followed(cls, rules: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
        if rules is not None:
            from models.playbook import check_rules  # which takes time to import, and most bases bring no rules

            check_rules(rules)
        return rules

    def flat(self) -> dict[str, Any]:
        """Return the parameters as a notebook takes them: plain values, absent ones as None, no database's password."""
        given = self.model_dump(mode="json", exclude_none=True)
        for table in given.values():
            if isinstance(table, dict):
                table["path"] = without_password(table["path"])
        return {key: given.get(key) for key in KEYS}


def without_password(path: str) -> str:
    """Return a path with a star in place of the password, where it is a database's URL that holds one."""
    hidden = PASSWORD.sub(rf"\1{HIDDEN_PASSWORD}@", path)
    return PASSWORD_OPTION.sub(rf"\1{HIDDEN_PASSWORD}", hidden) if "://" in path else path


KEYS = tuple(Parameters.model_fields)


def read_parameters(path: Path, **overrides: Any) -> Parameters:
    """Read and check a parameter file.

    Parameters
    ----------
    path : Path
        A YAML file; see the README for its keys.
    **overrides
        Values that replace those of the file, such as ``as_of``.

    Raises
    ------
    Refusal
        With one line for each problem, naming the file and the key.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        siblings = [p.name for p in path.parent.glob("*.yml")]
        raise Refusal(f"{path}: there is no such parameter file.{_nearest(path.name, siblings)}") from None
    except UnicodeDecodeError as reason:
        at = reason.object.count(b"\n", 0, reason.start) + 1
        raise Refusal(f"{path}: line {at} is not valid UTF-8 text. Save the file as UTF-8.") from None
    except OSError as reason:
        raise Refusal(f"{path}: can't be read: {reason.strerror}.") from None
    try:
        given = yaml.load(text, Loader=_UniqueKeyLoader)  # noqa: S506 (a SafeLoader that also refuses repeated keys)
    except yaml.MarkedYAMLError as reason:
        mark = reason.problem_mark or reason.context_mark
        line = f"line {mark.line + 1}: " if mark else ""
        quotes = " Put a value that begins with a sign in quotes." if "start any token" in str(reason.problem) else ""
        raise Refusal(f"{path}: {line}{_one_line(reason.problem)}, so this is not valid YAML.{quotes}") from None
    except yaml.YAMLError as reason:
        raise Refusal(f"{path}: is not valid YAML: {_one_line(reason)}.") from None
    except RecursionError:
        raise Refusal(f"{path}: is nested too deeply to be a parameter file.") from None
    if not isinstance(given, dict):
        raise Refusal(f"{path}: should hold keys and values, such as 'base: cdnow'.")
    return check_parameters(given | overrides, where=str(path))


def check_parameters(given: Mapping[Any, Any], *, where: str) -> Parameters:
    """Check parameters against the schema.

    Raises
    ------
    Refusal
        With one line for each problem; `where` names their source.
    """
    try:
        return Parameters.model_validate(dict(given))
    except ValidationError as invalid:
        raise Refusal(*(line for error in invalid.errors() for line in _sentences(error, where))) from None
    except (TypeError, RecursionError):
        raise Refusal(f"{where}: every key should be a plain word.") from None


def _bare(columns: dict[Meaning, str]) -> dict[Meaning, str]:
    """Take spaces around names off, as the reader does in a file's header."""
    return {meaning: name.strip() for meaning, name in columns.items()}


def _sentences(error: Any, where: str) -> list[str]:
    """Return a line for each problem."""
    keys = [_one_line(part) for part in error["loc"] if part != "[key]"]
    key = ".".join(keys)
    value = error.get("input")
    match error["type"]:
        case "extra_forbidden":
            problem = f"unknown parameter '{key}'.{_nearest(keys[-1], _known_keys(keys[:-1]))}"
        case "invalid_key":
            problem = f"a key should be a word, but one is {_short(value)}."
        case "missing":
            problem = f"the parameter '{key}' is missing."
        case "literal_error" if error["loc"][-1] == "[key]":
            problem = f"unknown column '{keys[-1]}' in {'.'.join(keys[:-1])}."
            problem += _nearest(keys[-1], get_args(LedgerColumn))
        case "value_error":
            told = [f"{line.rstrip('.')}." for line in str(error["ctx"]["error"]).splitlines()]
            return [f"{where}: {key}: {_one_line(line)}" if key else f"{where}: {line}" for line in told]
        case "string_pattern_mismatch":
            remedy = "use up to 64 letters, digits, '-', '_' and '.', a letter or digit first"
            problem = f"{key}: {_short(value)} can't name a folder; {remedy}."
        case _:
            problem = f"{key}: {error['msg'][0].lower()}{error['msg'][1:]}, but it is {_short(value)}."
    return [f"{where}: {problem}"]


def _known_keys(parents: list[str]) -> list[str]:
    section: dict[str, type[BaseModel]] = {
        "ledger": LedgerSource,
        "customers": CustomersTable,
        "events": EventsTable,
        "spending": SpendingTable,
    }
    return list(section[parents[0]].model_fields if parents else Parameters.model_fields)


def _nearest(word: str, known: Any) -> str:
    close = get_close_matches(word, list(known), n=1)
    return f" Did you mean '{close[0]}'?" if close else ""


def _short(value: Any) -> str:
    try:
        shown = reprlib.repr(value)
    except ValueError:
        # Python doesn't write whole numbers of thousands of digits
        shown = "a number of too many digits"
    return shown if len(shown) <= LONGEST_SHOWN else shown[: LONGEST_SHOWN - 3] + "..."


def _one_line(text: Any) -> str:
    words = " ".join(str(text).split())
    printable = "".join(sign if sign.isprintable() else "?" for sign in words[:LONGEST_LINE])
    return printable + "..." * (len(words) > LONGEST_LINE)


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML lets the last of two equal keys win in silence; here the repetition is refused."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        if not isinstance(node, yaml.MappingNode):
            raise yaml.MarkedYAMLError(problem="there are no keys and values here", problem_mark=node.start_mark)
        seen = set()
        for key_node, _ in node.value:
            key = key_node.value
            if isinstance(key, str):
                if key in seen:
                    raise yaml.MarkedYAMLError(
                        problem=f"the key '{key}' stands twice", problem_mark=key_node.start_mark
                    )
                seen.add(key)
        return super().construct_mapping(node, deep)

    def construct_scalar_or_text(self, node: yaml.ScalarNode) -> Any:
        """Leave a value that is no date or number as the text it is, for the schema to refuse under its key."""
        try:
            return yaml.SafeLoader.yaml_constructors[node.tag](self, node)
        except (AttributeError, ValueError):
            return node.value


for _kind in ("int", "float", "timestamp"):
    _UniqueKeyLoader.add_constructor(f"tag:yaml.org,2002:{_kind}", _UniqueKeyLoader.construct_scalar_or_text)
