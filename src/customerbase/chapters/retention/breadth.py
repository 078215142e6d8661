"""Steps of `05_retention`: whether breadth of assortment holds customers, or those who stay buy more widely."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from models.multiple_comparisons import holm
from models.repurchase_intervals import RHYTHM

from ...chapter import Chapter
from ...errors import CannotSay
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import DASH, listed
from .hazard_ratios_in_words import SIGNIFICANT, chance, in_words
from .repurchase import SPEND, SPLIT, Waits, ends_of, fit_waits

LOT = "Only offering a further category to customers drawn by lot can tell for sure"


class Variant(NamedTuple):
    """One way to ask what breadth does.

    Attributes
    ----------
    name : str
    question : str
        What is compared, as a figure names it.
    covariate : str
        The one that is read.
    equal : tuple of str
        Those held equal, where the base has them.
    within : bool
        Whether each customer is compared with nobody but themselves.
    """

    name: str
    question: str
    covariate: str
    equal: tuple[str, ...]
    within: bool = False


class Answer(NamedTuple):
    """What one variant found, for twice the categories.

    Attributes
    ----------
    question : str
    ratio, low, high : float
        Hazard ratio with its ends, for show.
    p_value : float
        How often chance alone would show as much, corrected for the number of variants (Holm).
    """

    question: str
    ratio: float
    low: float
    high: float
    p_value: float

    @property
    def words(self) -> str:
        """How much likelier customers come back on a day.

        In per cent, since a comparison of customers with themselves has no curve that would give days.
        """
        return in_words(self.ratio, self.low, self.high)

    @property
    def sooner(self) -> bool:
        """Whether customers come back sooner, beyond chance."""
        return self.p_value < SIGNIFICANT and self.ratio > 1

    @property
    def later(self) -> bool:
        """Whether customers come back later, beyond chance."""
        return self.p_value < SIGNIFICANT and self.ratio < 1

    @property
    def reply(self) -> str:
        """Whether it is sooner."""
        if self.sooner:
            return "Yes"
        return "No, later" if self.later else "Not that it could be told"


Answers = dict[str, Answer]

# usual and relative add up to the last basket's breadth, so together they split what that tells
ALONE, EQUAL, EVER, USUAL, RELATIVE, WITHIN = "alone", "equal", "ever", "usual", "relative", "within"
VARIANTS = (
    Variant(ALONE, "between customers: last basket, nothing else equal", "categories_last", ()),
    Variant(EQUAL, "between customers: last basket", "categories_last", (*SPEND, *RHYTHM)),
    Variant(EVER, "between customers: categories ever bought", "categories_so_far", (*SPEND, *RHYTHM)),
    Variant(USUAL, "between customers: usual basket", "categories_usual", (SPLIT[1], *SPEND, *RHYTHM)),
    Variant(
        RELATIVE, "all customers: this basket against their usual", "categories_relative", (SPLIT[0], *SPEND, *RHYTHM)
    ),
    Variant(
        WITHIN,
        "within one customer only: one basket against another",
        "categories_last",
        ("spend_relative",),
        within=True,
    ),
)


def breadth(chapter: Chapter, compared: Waits | Unsaid) -> Answers | Unsaid:
    """Ask in several ways whether breadth of assortment holds customers.

    A covariate for how many baskets went before would bias the comparison of a customer with themselves (Allison
    1996), so that one holds only the amount equal.

    Returns
    -------
    dict of str to Answer
        Of `VARIANTS`, those that this base can answer.
    """
    if isinstance(compared, Unsaid):
        return Unsaid("Whether breadth of assortment holds customers can't be told either, for the same reason.")
    return _breadth(chapter, compared)


@says_why_not
def _breadth(chapter: Chapter, compared: Waits) -> Answers:
    if "categories_last" not in compared.rows.columns:
        raise CannotSay(
            "The ledger names no categories, so it can't say whether breadth of assortment holds customers."
        )
    if "categories_last" not in compared.covariates:
        raise CannotSay("Nearly every basket holds one category, so breadth can't be told from anything else.")
    known = {*compared.covariates, *SPLIT}
    answers: Answers = {}
    for variant in VARIANTS:
        rows = compared.rows.filter("repeat") if variant.covariate in SPLIT else compared.rows
        names = [variant.covariate, *(name for name in variant.equal if name in known)]
        try:
            fit = fit_waits(rows, names, chapter.parameters.interval, "customer" if variant.within else "repeat")
        except ValueError:
            continue  # what these waits can't tell is left out
        p_value = float(fit.coefficients["p_value"].iloc[0])
        answers[variant.name] = Answer(variant.question, *ends_of(fit.coefficients)[0], p_value)
    if not {EQUAL, WITHIN} <= answers.keys():
        raise CannotSay("Too few customers have come back after baskets of different breadth to say what breadth does.")
    corrected = holm([answer.p_value for answer in answers.values()])
    return {
        name: answer._replace(p_value=float(p)) for (name, answer), p in zip(answers.items(), corrected, strict=True)
    }


def about(found: Answers | Unsaid) -> Unsaid | None:
    """Say how to read the figure and the table; nothing where the figure says why not."""
    if isinstance(found, Unsaid):
        return None
    return Unsaid(
        "If breadth held customers, the same customer would come back sooner after a wider basket. If those who stay "
        "simply buy more widely, customers would differ from one another, but a customer would not differ from "
        "themselves. Grey holds nothing else equal, blue compares customers at equal spend and rhythm, orange a "
        "customer with their own usual. Discounts, complaints and returns are not held equal here, so numbers differ a "
        "little from those above. Per cent are how much likelier a customer comes back on any day of the wait; the "
        "more is held equal, the further from 0 the same effect lies, so heed which way each row points rather than "
        f"which reaches furthest. Even a bar clear of 0 could be chance: a claim asks for p below {SIGNIFICANT:g}, "
        "corrected for how many are asked."
    )


def breadth_table(found: Answers | Unsaid) -> ShownTable | None:
    """Say which questions about breadth the data answer, and which can't be; nothing where the figure says why not."""
    if isinstance(found, Unsaid):
        return None
    asked = {
        USUAL: "Do customers who usually buy widely come back sooner than others who spend and buy as much?",
        EVER: "Do those who have tried more categories come back sooner than others with as many purchases?",
        WITHIN: "Does the same customer come back sooner after a wider basket than after a narrower one?",
    }
    known = {question: found[name] for name, question in asked.items() if name in found}
    rows = [(question, answer.reply, answer.words, chance(answer.p_value)) for question, answer in known.items()]
    rows.append(("Would a customer stay longer if sold a further category?", f"A ledger can't tell. {LOT}", DASH, DASH))
    columns: Columns = {
        "question": ("question, for twice the categories", str),
        "answer": ("answer", str),
        "likelier": ("likelier back on a day", str),
        "doubt": ("p, corrected", str),
    }
    return show_table(
        pd.DataFrame(rows, columns=list(columns)), "What these data can tell of breadth, and what they can't", columns
    )


def state_breadth(chapter: Chapter, found: Answers | Unsaid) -> None:
    """State whether breadth holds customers or those who stay buy more widely, as far as the data tell."""
    if isinstance(found, Unsaid):
        chapter.state("breadth_holds", found.reason, verdict="unknown")
        return
    same = found[WITHIN]
    chapter.state(
        "breadth_holds",
        _conclusion(found),
        value=same.ratio,
        low=same.low,
        high=same.high,
        unit="hazard ratio",
    )


def wide_buyers(found: Answers) -> str:
    """Return which customers who buy more widely come back sooner than others, all else equal; empty where none."""
    whom = {USUAL: "customers who buy widely", EVER: "customers who have tried more categories"}
    sooner = [name for name in _across(found) if found[name].sooner]
    return whom.get(sooner[0], "customers after a wider basket") if sooner else ""


def _across(found: Answers) -> dict[str, str]:
    """Return which comparisons of customers with one another are put in words, with whom each compares."""
    whom = {
        USUAL: "customers who usually buy twice the categories",
        EVER: "customers who have tried twice the categories",
    }
    known = {name: words for name, words in whom.items() if name in found}
    return known or {EQUAL: "customers after a basket with twice the categories"}


def _conclusion(found: Answers) -> str:
    same = found[WITHIN]
    others = listed([f"{found[name].words} with {whom}" for name, whom in _across(found).items()])
    others = f"at equal spend and rhythm the chance to come back on a day differs by {others}"
    own = f"by {same.words} with the same customer after a basket with twice the categories"
    if same.sooner:
        return (
            f"Breadth goes with coming back within customers too: {others} and {own}. That is what one would see if "
            f"breadth held them, and also if a passing need brought both. {LOT}."
        )
    stocked = " A fuller basket also lasts longer, which by itself puts the next purchase off." if same.later else ""
    if who := wide_buyers(found):
        return (
            f"That {who} come back sooner looks like a difference between customers, not like "
            f"breadth holding them: {others}, but {own}.{stocked} {LOT}."
        )
    return f"No sign beyond chance that breadth of assortment holds customers: {others}, and {own}.{stocked} {LOT}."
