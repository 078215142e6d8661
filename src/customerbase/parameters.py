"""The parameter file of a customer base: its schema, and errors that name the key and the remedy."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

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
]
TimeUnit = Literal["day", "week", "month", "year"]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class LedgerSource(_Section):
    """Where the purchases are, and which of the file's columns is which."""

    path: Annotated[str, Field(min_length=1)]
    columns: dict[LedgerColumn, str]
    encoding: str | None = None
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    decimal: Literal[".", ","] | None = None
    thousands: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    date_format: str | None = None
    sheet: str | int | None = None
    header_row: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _has_what_a_purchase_needs(self) -> LedgerSource:
        missing = {"customer", "date"} - self.columns.keys()
        if "amount" not in self.columns and not {"quantity", "unit_price"} <= self.columns.keys():
            missing.add("amount (or quantity and unit_price)")
        if missing:
            raise ValueError(f"columns must name the file's column for: {', '.join(sorted(missing))}")
        return self

    @field_validator("encoding")
    @classmethod
    def _encoding_is_known(cls, encoding: str | None) -> str | None:
        try:
            return encoding if encoding is None else (b"".decode(encoding), encoding)[1]
        except LookupError:
            raise ValueError(f"'{encoding}' is no encoding that Python knows; try utf-8 or cp1251") from None


class SideTable(_Section):
    """A further table about the same customers: their particulars, events, or spending on them."""

    path: Annotated[str, Field(min_length=1)]
    columns: dict[str, str]


class Parameters(_Section):
    """Everything a run needs to know about one customer base.

    An absent key takes the default written here. `as_of` absent is the ledger's last day; `holdout_days` absent
    is half of the ledger's span in whole weeks, at most a year; `margin` absent means that value is revenue.
    """

    base: Annotated[str, Field(pattern=r"^[^\W_][\w.-]{0,63}$")]
    ledger: LedgerSource
    customers: SideTable | None = None
    events: SideTable | None = None
    spending: SideTable | None = None
    as_of: dt.date | None = None
    holdout_days: Annotated[int, Field(ge=1, le=36_525)] | None = None
    time_unit: TimeUnit = "week"
    horizon_days: Annotated[int, Field(ge=1, le=36_525)] = 365
    annual_discount_rate: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] = 0.10
    margin: Annotated[float, Field(gt=0, le=1)] | None = None
    interval: Annotated[float, Field(gt=0, lt=1)] = 0.80
    active_days: Annotated[int, Field(ge=1, le=36_525)] = 180
    currency: Annotated[str, Field(min_length=1, max_length=12)] = "USD"
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 2026

    @field_validator("as_of", mode="before")
    @classmethod
    def _read_date(cls, value: Any) -> Any:
        # YAML gives a date or a string, papermill always a string
        if isinstance(value, dt.datetime):
            return value.date()
        if isinstance(value, str):
            try:
                return dt.date.fromisoformat(value)
            except ValueError:
                raise ValueError(f"'{value}' is no date; write it as 1998-06-30") from None
        return value

    def flat(self) -> dict[str, Any]:
        """Return the parameters as a notebook takes them: plain values, absent ones as None."""
        given = self.model_dump(mode="json", exclude_none=True)
        return {key: given.get(key) for key in KEYS}


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
        siblings = [p.stem for p in path.parent.glob("*.yml")] if path.parent.is_dir() else []
        raise Refusal(f"{path}: there is no such parameter file.{_nearest(path.stem, siblings)}") from None
    except (OSError, UnicodeDecodeError) as reason:
        raise Refusal(f"{path}: can't be read as UTF-8 text ({reason}).") from None
    try:
        given = yaml.load(text, Loader=_UniqueKeyLoader)  # noqa: S506 (a SafeLoader that also refuses repeated keys)
    except yaml.YAMLError as reason:
        raise Refusal(f"{path}: is not valid YAML: {_one_line(reason)}.") from None
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
        raise Refusal(*(_sentence(error, where) for error in invalid.errors())) from None
    except (TypeError, RecursionError):
        raise Refusal(f"{where}: every key should be a plain word.") from None


def _sentence(error: Any, where: str) -> str:
    keys = [str(part) for part in error["loc"] if part != "[key]"]
    key = ".".join(keys)
    value = error.get("input")
    match error["type"]:
        case "extra_forbidden":
            problem = f"unknown parameter '{key}'.{_nearest(keys[-1], _known_keys(keys[:-1]))}"
        case "missing":
            problem = f"the parameter '{key}' is missing."
        case "literal_error" if error["loc"][-1] == "[key]":
            problem = f"unknown column '{keys[-1]}' in {'.'.join(keys[:-1])}."
            problem += _nearest(keys[-1], get_args(LedgerColumn))
        case "value_error":
            problem = f"{key}: {error['ctx']['error']}." if key else f"{error['ctx']['error']}."
        case "string_pattern_mismatch":
            problem = (
                f"{key}: {value!r} can't name a folder; use letters, digits, '-', '_' and '.', a letter or digit first."
            )
        case _:
            problem = f"{key}: {error['msg'][0].lower()}{error['msg'][1:]}, but it is {_short(value)}."
    return f"{where}: {problem}"


def _known_keys(parents: list[str]) -> list[str]:
    section = {"ledger": LedgerSource, "customers": SideTable, "events": SideTable, "spending": SideTable}
    return list(section[parents[0]].model_fields if parents else Parameters.model_fields)


def _nearest(word: str, known: Any) -> str:
    close = get_close_matches(word, list(known), n=1)
    return f" Did you mean '{close[0]}'?" if close else ""


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."


def _one_line(reason: Exception) -> str:
    return " ".join(str(reason).split())


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML lets the last of two equal keys win in silence; here the repetition is refused."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = key_node.value
            if isinstance(key, str):
                if key in seen:
                    raise yaml.MarkedYAMLError(problem=f"the key '{key}' stands twice", problem_mark=key_node.start_mark)
                seen.add(key)
        return super().construct_mapping(node, deep)
