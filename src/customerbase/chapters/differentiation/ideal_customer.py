"""Steps of `06_differentiation`: which first purchases foretell a good customer."""

from __future__ import annotations

import pandas as pd

from models.cross_validation import Estimate
from models.ideal_customer import IdealCustomer, fit_ideal_customer
from models.ideal_customer_calibration import by_score, calibration

from ...chapter import Chapter
from ...errors import CannotSay
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import between, count, day, key, listed, percent, plural
from ..estimates_in_words import CHANCE, points, share_and_ends, share_in_words
from ..left_cut import left_cut, what_it_means
from ..retention.first_purchase_groups import OF_LATER
from .first_purchase_traits import same_people, side_in_words, trait_in_words, who_has
from .newcomers import Newcomers, good_means

ROWS_SHOWN, SIDES_OF_TRAIT = 9, 2


@says_why_not
def ideal(chapter: Chapter, known: Newcomers) -> IdealCustomer:
    """Fit what the first purchase tells, and test it on customers not fitted on."""
    if not known.first.traits:
        raise CannotSay("First purchases can't tell who becomes a good customer: nothing recorded of them differs.")
    given = chapter.parameters
    return fit_ideal_customer(
        known.first,
        known.good.good,
        watched_days=given.good_customer_days,
        coverage=given.interval,
        seed=given.seed,
    )


def doesnt_tell(found: IdealCustomer) -> str:
    """Say that the first purchase tells nothing, and how sure that is."""
    return (
        f"As far as {plural(len(found.good), 'customer')} can show, the first purchase doesn't tell who becomes good: "
        "of one who did and one who didn't, a score of all that is known on the first day picks the right one "
        f"{share_in_words(found.auc)} of the time, and guessing 50%."
    )


def about_traits(chapter: Chapter, known: Newcomers | Unsaid) -> Unsaid | None:
    """Say what a reader must know of the customers and traits looked at; nothing where there is nothing to say."""
    if isinstance(known, Unsaid):
        return None
    said = [what_it_means(chapter, "ideal_customer")]
    if known.customers > len(known.first.customers):
        said.append(
            f"A random {count(len(known.first.customers))} of {count(known.customers)} customers are looked at."
        )
    recorded = [key(trait.name).replace("_", " ") for trait in known.first.traits if trait.recorded]
    if recorded:
        said.append(
            f"From the customers' table come {listed(recorded)}: when they were filled in it doesn't say, and what was "
            "corrected later tells more than anybody knew on the first day."
        )
    for why in dict.fromkeys(why for _, why in known.first.left_out):
        names = [key(name).replace("_", " ") for name, reason in known.first.left_out if reason == why]
        said.append(f"Left out, {why}: {listed(names)}.")
    traits = {trait.name for trait in known.first.traits}
    there = set() if chapter.particulars is None else set(chapter.particulars.columns) - traits
    later = [name.replace("_", " ") for name in OF_LATER if name in there]
    if later:
        said.append(f"Left out as known, or judged, later: {listed(later)}.")
    whole = " ".join(sentence for sentence in said if sentence)
    return Unsaid(whole) if whole else None


def traits_table(
    chapter: Chapter, known: Newcomers | Unsaid, found: IdealCustomer | Unsaid
) -> ShownTable | Unsaid | None:
    """Show in words what sets first purchases of good customers apart; nothing where the figure has said why not."""
    if isinstance(known, Unsaid) or isinstance(found, Unsaid) or not found.tells:
        return None
    return _traits_table(chapter, known, found)


@says_why_not
def _traits_table(chapter: Chapter, known: Newcomers, found: IdealCustomer) -> ShownTable:
    shown = _shown_sides(known, found)
    currency = chapter.parameters.currency
    evidence = {row["trait"]: _evidence(row) for _, row in found.importance.iterrows()}
    rows = pd.DataFrame([sides[0] for sides in shown]).reset_index(drop=True)
    rows = rows.assign(
        words=[_alike([_words(known, side, currency) for side in sides]) for sides in shown],
        against=[f"{percent(side['share'])} against {percent(side['other_share'])}" for side, *_ in shown],
        alike=[points(Estimate(*row)) for row in rows[["difference", "low", "high"]].to_numpy()],
        evidence=[evidence[trait] for trait in rows["trait"]],
    )
    columns: Columns = {
        "words": ("first purchase", str),
        "customers": ("customers", count),
        "against": ("became good, and of the others", str),
        "alike": ("with all else alike", str),
        "evidence": ("does it tell?", str),
    }
    caption = (
        f"Traits of a first purchase, and who became good: {good_means(chapter, known)}. Brackets are "
        f"{percent(chapter.parameters.interval)} intervals of what the score makes of a trait. It tells by itself "
        "where the score gets worse without it by more than chance, over all traits; only with others where those say "
        "the same"
    )
    return show_table(rows, caption, columns)


def _words(known: Newcomers, side: pd.Series, currency: str) -> str:
    kind = next(trait.kind for trait in known.first.traits if trait.name == side["trait"])
    return side_in_words(side, kind, currency)


def _alike(words: list[str]) -> str:
    """Return what describes nearly the same customers as one thing."""
    return words[0] if len(words) == 1 else f"{words[0]} (nearly the same customers: {listed(words[1:])})"


def _evidence(trait: pd.Series) -> str:
    if trait["tells"]:
        return "yes, by itself"
    return "only with others" if trait["goes_with"] else CHANCE


def _shown_sides(known: Newcomers, found: IdealCustomer) -> list[list[pd.Series]]:
    """Return the sides to show: two of each trait that tells, then one of the others as far as there is room.

    Sides of nearly the same customers stand together, and of two that split them alike only the first is taken.
    """
    telling = set(found.importance.loc[found.importance["tells"], "trait"])
    rank = found.contrasts.groupby("trait", sort=False).cumcount()
    most = found.contrasts["trait"].map(lambda trait: SIDES_OF_TRAIT if trait in telling else 1)
    shown = _by_people(known, found, found.contrasts[rank < most])[:ROWS_SHOWN]
    if not shown:
        raise CannotSay("The first purchase tells something, but too few customers share any one trait to show it.")
    return shown


def _by_people(known: Newcomers, found: IdealCustomer, sides: pd.DataFrame) -> list[list[pd.Series]]:
    """Put sides of nearly the same customers together, in the order of the first of them; none twice."""
    together: list[list[pd.Series]] = []
    people: list[tuple[pd.Series, pd.Series]] = []
    looked_at = known.first.customers.index.isin(found.good.index)
    for _, side in sides.iterrows():
        has, others = (members[looked_at] for members in who_has(known.first, side))
        like = next((n for n, (theirs, _) in enumerate(people) if same_people(has, theirs)), None)
        if like is not None:
            together[like].append(side)
        elif not any(same_people(has, rest) for _, rest in people):
            together.append([side])
            people.append((has, others))
    return together


def score_table(chapter: Chapter, known: Newcomers | Unsaid, found: IdealCustomer | Unsaid) -> ShownTable | None:
    """Show how far the score of a first purchase can be trusted; nothing where there is none, or it tells nothing."""
    if isinstance(known, Unsaid) or isinstance(found, Unsaid) or not found.tells:
        return None
    coverage = chapter.parameters.interval
    rows = []
    for method, *area in found.judged.itertuples(index=False):
        used = " (used)" if method == found.method else ""
        rows.append((f"right of two customers (guessing: 50%), {method}{used}", *share_and_ends(Estimate(*area))))
    if found.later is not None:
        later = found.later
        rows.append((f"right of two who came since {day(later.since)}, by those before", *share_and_ends(later.auc)))
        told = f"good ones among those who came since: {percent(later.expected)} were expected, turned out"
        rows.append((told, percent(later.turned_out), ""))
    best = by_score(found, coverage=coverage).iloc[-1]
    part = "tenth" if best["part"] == 10 else "fifth"
    rows.append(
        (
            f"good ones in the {part} with the highest scores ({percent(found.good.mean())} in all)",
            *share_and_ends(Estimate(best["turned_out"], best["low"], best["high"])),
        )
    )
    slope = calibration(found, coverage=coverage)
    rows.append(
        (
            "of what the scores promise comes true (1: all of it)",
            f"{slope.value:.2f}",
            between(slope.low, slope.high, "{:.2f}"),
        )
    )
    frame = pd.DataFrame(rows, columns=["what", "value", "interval"])
    columns: Columns = {
        "what": ("measure", str),
        "value": ("value", str),
        "interval": (f"{percent(coverage)} interval", str),
    }
    fitted, watched = len(found.good), len(known.good.good)
    sample = f"a random {count(fitted)} of {count(watched)}" if fitted < watched else count(fitted)
    caption = (
        f"How far the score can be trusted, tested on customers not fitted on ({sample}). Right of two: of one who "
        "became good and one who didn't, the first has the higher score"
    )
    return show_table(frame, caption, columns)


def state_findings(chapter: Chapter, known: Newcomers | Unsaid, found: IdealCustomer | Unsaid) -> None:
    """State what the first purchase tells of who becomes good."""
    if isinstance(known, Unsaid) or isinstance(found, Unsaid):
        reason = known.reason if isinstance(known, Unsaid) else found.reason  # type: ignore[union-attr]
        chapter.state("ideal_customer", reason, verdict="unknown")
        return
    area = found.auc
    if found.tells:
        statement = (
            f"Of one customer who became good and one who didn't, the first purchase picks the right one "
            f"{share_in_words(area)} of the time (guessing: 50%). {_what_tells(chapter, known, found)} Good: "
            f"{good_means(chapter, known)}."
        )
    else:
        statement = doesnt_tell(found)
    since = left_cut(chapter).new_from if left_cut(chapter).cut else None
    if since is not None:
        statement += f" Only customers first seen from {day(since)} on are looked at, and not all of them are new."
    chapter.state(
        "ideal_customer",
        statement,
        value=area.value,
        low=area.low,
        high=area.high,
        unit="share of pairs",
        question="decisions" if found.tells and since is None else None,
    )


def _what_tells(chapter: Chapter, known: Newcomers, found: IdealCustomer) -> str:
    traits = found.importance
    telling = traits.loc[traits["tells"], "trait"].tolist()
    named = telling or traits.loc[traits["goes_with"], "trait"].tolist()
    first_sides = found.contrasts.drop_duplicates("trait").set_index("trait", drop=False)
    together = _by_people(known, found, first_sides.loc[[trait for trait in named if trait in first_sides.index]])
    if not together:
        return "No single trait stands out."
    side = together[0][0]
    words = _alike([_words(known, each, chapter.parameters.currency) for each in together[0]])
    shares = f"{words}: {percent(side['share'])} became good against {percent(side['other_share'])}"
    others = listed([" or ".join(trait_in_words(str(side["trait"])) for side in sides) for sides in together[1:]], 3)
    if not telling:
        also = f"; others that go with it: {others}" if others else ""
        return f"No trait stands out from the others; one that goes with it is {shares}{also}."
    also = f"; after that {others}" if others else ""
    return f"Most is told by the {trait_in_words(str(side['trait']))} ({shares}){also}."
