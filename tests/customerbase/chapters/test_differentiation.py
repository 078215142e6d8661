"""What `06_differentiation` says of a base with planted needs and losses, and what keeping its customers is worth."""

from __future__ import annotations

import csv
import datetime as dt
import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import yaml
from sklearn.metrics import adjusted_rand_score

from customerbase.chapter import Chapter
from customerbase.chapters import value_tiers
from customerbase.chapters.differentiation import cluster_portraits, clusters_over_time, differentiation, value_by_needs
from customerbase.chapters.retention import value_at_stake
from customerbase.figures.differentiation import differentiation as figures
from customerbase.figures.differentiation import value_tiers as tier_figures
from customerbase.figures.retention import value_at_stake as stake_figures
from customerbase.parameters import read_parameters
from customerbase.store import write_table
from customerbase.unsaid import Unsaid
from models.clustering import Clusters
from models.needs import needs_features
from models.needs_scale import Scale
from models.value_at_stake import SUMS
from models.value_tiers import BELOW_ZERO, MOST_GROWABLE

FIRST, AS_OF = dt.date(2022, 1, 1), dt.date(2023, 12, 31)
HEADER = "customer,date,amount,category,cost,discount"
BUILDERS, FITTERS = range(45), range(45, 90)  # and ten who buy twice and no more
LOSSES = (3, 50)  # who are sold to below cost
NEEDS = {True: (("windows", "doors"), 400.0, 0.3), False: (("handles", "seals"), 30.0, 0.05)}


def name(number: int) -> str:
    return f"{number:04d}"


def planted(seed: int = 5, swapped: tuple[int, ...] = (), until: dt.date = AS_OF) -> str:
    """Return a ledger of builders, who buy large windows at a discount, and fitters, who buy small parts without one.

    Those `swapped` buy from 2023 on what the others do, and often.
    """
    random = np.random.default_rng(seed)
    rows = []
    for number in range(100):
        day = FIRST + dt.timedelta(days=int(random.integers(0, 60)))
        bought = 0
        while day <= until and not (number >= 90 and bought == 2):
            builder = (number in BUILDERS) != (number in swapped and day.year > 2022)
            categories, mean, discount = NEEDS[builder]
            for category in (*categories, *NEEDS[not builder][0]):
                if random.random() > (0.8 if category in categories else 0.15):
                    continue
                amount = mean * random.gamma(8, 1 / 8)
                cost = amount * (1.3 if number in LOSSES else 0.6)
                off = amount * discount * random.gamma(4, 1 / 4)
                rows.append(f"{name(number)},{day},{amount:.2f},{category},{cost:.2f},{off:.2f}")
            bought += 1
            # what was bought before is soon outnumbered
            wait = (5, 15) if number in swapped and day.year > 2022 else (20, 90)
            day += dt.timedelta(days=int(random.integers(*wait)))
    return "\n".join(rows) + "\n"


def opened(folder: Path, rows: str, header: str = HEADER, run: str = "run", particulars: str = "", **given) -> Chapter:
    """Open the chapter on a ledger, by hand, its tables in ``folder/run``."""
    folder.mkdir(exist_ok=True)
    (folder / "ledger.csv").write_text(f"{header}\n{rows}", encoding="utf-8")
    parameters = {"base": "planted", "seed": 7, "as_of": AS_OF} | given
    parameters["ledger"] = {"path": str(folder / "ledger.csv"), "columns": {n: n for n in header.split(",")}}
    if particulars:
        (folder / "customers.csv").write_text(particulars, encoding="utf-8")
        columns = {n: n for n in particulars.split("\n", 1)[0].split(",")}
        parameters["customers"] = {"path": str(folder / "customers.csv"), "columns": columns}
    file = folder / "planted.yml"
    file.write_text(yaml.safe_dump(parameters), encoding="utf-8")
    chapter = Chapter("06_differentiation", read_parameters(file))
    chapter.folder = folder / run
    return chapter


class Page:
    """The chapter's steps, as the notebook goes through them."""

    def __init__(self, chapter: Chapter) -> None:
        self.chapter = chapter
        self.tiers = value_tiers.tiers(chapter)
        self.doubt = value_tiers.doubt(chapter, self.tiers, value_tiers.futures(chapter))
        self.needs = differentiation.needs(chapter)
        self.grouping = differentiation.clusters(chapter, self.needs)
        self.names = differentiation.names(chapter, self.needs, self.grouping)
        typicality = differentiation.typicality(self.needs, self.grouping)
        self.table = differentiation.segments(self.tiers, self.doubt, self.grouping, self.names, typicality)
        self.sizes = cluster_portraits.sizes(chapter, self.table, self.grouping)
        self.cells = value_by_needs.crossed(chapter, self.table)

    def findings(self) -> dict[str, str]:
        value_tiers.state_findings(self.chapter, self.tiers, self.doubt)
        differentiation.state_findings(self.chapter, self.grouping, self.names, self.sizes, self.cells)
        found = self.chapter.findings().findings
        return {finding.id: finding.statement for finding in found}

    def shown(self) -> list[object]:
        profile = cluster_portraits.profile(self.needs, self.grouping, self.names)
        laid_out = differentiation.laid_out(self.needs, self.grouping)
        return [
            tier_figures.tiers(value_tiers.tier_sums(self.tiers)),
            value_tiers.tier_table(self.chapter, self.tiers),
            tier_figures.tier_doubt(self.doubt, 0.8),
            differentiation.compared_table(self.chapter, self.needs),
            figures.number_of_groups(self.grouping),
            differentiation.choice_table(self.grouping),
            figures.profiles(profile, "USD"),
            cluster_portraits.portrait_table(self.chapter, self.names, self.sizes),
            figures.needs_map(laid_out, self.names, self.grouping, 1),
            cluster_portraits.members_table(self.chapter, self.needs, self.names, self.table),
            figures.value_by_needs(self.cells),
            value_by_needs.action_table(self.cells, self.needs, self.names),
        ]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    return Page(opened(tmp_path_factory.mktemp("planted"), planted()))


class TestNeeds:
    @pytest.mark.parametrize(
        ("part", "how", "says"),
        [
            ("what they buy", False, r"2 groups by what they buy \(.*\); by how they buy there are none\.$"),
            ("what they buy", True, r"by what they buy \(.*\); by how they buy others, not as far apart\.$"),
            (None, False, "here, neither by all that is compared nor by what they buy nor by how they buy alone: "),
        ],
    )
    def test_say_on_what_the_groups_rest(self, page, monkeypatch, part, how, says):
        looks = {None: False, "what they buy": part is not None, "how they buy": how}
        grouping = replace(page.grouping, clear=part is not None, part=part, looks=looks)
        stated = {}
        monkeypatch.setattr(Chapter, "state", lambda _, name, text, **facts: stated.update({name: text}))
        differentiation.state_findings(page.chapter, grouping, Unsaid(""), Unsaid(""), page.cells)
        assert re.search(says, stated["clusters"])
        if part:
            assert f" by {part} are found again" in figures.number_of_groups(grouping).alt
            assert f" by {part} tried" in differentiation.choice_table(grouping).caption

    def test_why_there_are_no_clear_groups_is_said(self, page, monkeypatch):
        stated = {}
        monkeypatch.setattr(Chapter, "state", lambda _, name, text, **facts: stated.update({name: text}))
        for stability, between, few in ((0.5, 0.1, 4), (0.9, 0.9, 0.25), (0.9, 0.1, 0.25)):
            grouping = replace(page.grouping, clear=False, stability=stability, between=between, reference=1.0)
            with_group = page.cells["cluster"].notna()
            cells = page.cells.assign(customers=page.cells["customers"].where(~with_group, 10).mul(1))
            cells.loc[~with_group, "customers"] = int(few * cells.loc[with_group, "customers"].sum())
            differentiation.state_findings(page.chapter, grouping, Unsaid(""), Unsaid(""), cells)
            said = stated["clusters"]
            assert ("show others" in said) is (stability == 0.5)
            assert ("90% as many customers as inside the thinner one, where clear groups have 50%" in said) is (
                between == 0.9
            )
            assert ("no clearer than" in said) is (stability == 0.9 and between == 0.1)
            assert ("customers bought on enough days to be compared at all" in said) is (few == 4)

    def test_find_the_planted_groups(self, page):
        groups = page.table.filter(pl.col("cluster").is_not_null())
        truth = [int(customer) in BUILDERS for customer in groups["customer"]]
        assert page.grouping.clear
        assert adjusted_rand_score(truth, groups["cluster"].to_list()) == 1

    def test_leave_out_who_bought_too_seldom(self, page):
        without = page.table.filter(pl.col("cluster").is_null())
        assert set(without["customer"]) == {name(number) for number in range(90, 100)}
        assert without["cluster_name"].null_count() == len(without)
        said = differentiation.about_needs(page.chapter, page.needs)
        assert said is not None
        assert "10 customers of 100 bought on fewer than" in said.reason

    def test_the_most_typical_are_nearest_to_the_centre(self, page):
        far = page.grouping.model.distances(page.needs.compared, page.grouping.labels)
        first = page.table.filter(cluster=1).sort("typicality", descending=True)["customer"].to_list()
        assert far.loc[first].is_monotonic_increasing

    def test_customers_are_placed_again_from_the_table_alone(self, page):
        centres = differentiation.centres(page.needs, page.grouping)
        known = needs_features(page.chapter.ledger, AS_OF, scale=Scale.from_frame(centres))
        placed = Clusters.from_frame(centres).assign(known.compared)
        assert placed.to_list() == page.grouping.labels.loc[placed.index].to_list()


class TestValue:
    def test_who_is_sold_to_below_cost_is_below_zero(self, page):
        below = page.table.filter(value_tier=BELOW_ZERO)["customer"]
        assert set(below) == {name(number) for number in LOSSES}
        assert "2 customers are below zero" in page.findings()["tier_below_zero"]

    def test_the_cells_of_value_by_needs_add_up_to_the_base(self, page):
        assert page.cells["customers"].sum() == 100
        worth = page.chapter.table("lifetime_value")["clv"].sum()
        assert page.cells["value"].sum() == pytest.approx(worth)
        assert page.cells["value_share"].sum() == pytest.approx(1)

    def test_a_margin_alone_tells_nobody_below_zero(self, tmp_path):
        rows = "".join(f"{name(n % 9)},2023-{1 + n % 12:02d}-{1 + n % 28:02d},{5 + n % 7}\n" for n in range(60))
        chapter = opened(tmp_path, rows, "customer,date,amount", margin=0.3)
        told = value_tiers.tiers(chapter)
        assert not told.losses_known
        said = value_tiers.about_tiers(chapter, told)
        assert said is not None
        assert "can't be told" in said.reason

    def test_recorded_potential_tells_who_could_grow(self, tmp_path):
        rows = "".join(f"{name(n % 20)},2023-{1 + n % 12:02d}-{1 + n % 28:02d},{50 - n % 20}\n" for n in range(240))
        # the thirteenth could buy most besides what is bought here; of the others little or nothing is known
        known = "customer,potential,share_of_wallet\n0012,90000,\n0004,700,\n0005,,0.5\n"
        told = value_tiers.tiers(opened(tmp_path, rows, "customer,date,amount", particulars=known))
        growing = told.customers.filter(value_tier=MOST_GROWABLE)["customer"]
        unrealised = dict(told.customers.select("customer", "unrealised").iter_rows())
        assert told.growth == value_tiers.RECORDED
        assert told.with_potential == 3
        assert "0012" in set(growing)
        bought = 12 * 45.0
        assert unrealised["0005"] == pytest.approx(bought)
        assert unrealised["0004"] == pytest.approx(700 - 12 * 46)


def test_the_table_segments_has_a_row_for_each_customer_with_a_value(page):
    assert page.table["customer"].to_list() == page.chapter.table("lifetime_value")["customer"].to_list()
    assert page.table.schema == pl.Schema(differentiation.SEGMENTS)
    assert page.table["value_tier_probability"].is_between(0, 1).all()
    differentiation.write_tables(page.chapter, page.table, page.needs, page.grouping)
    kept = pl.read_parquet(page.chapter.folder / "tables" / "segments.parquet")
    assert kept.equals(page.table)


def test_what_speaks_against_each_clustering_is_said(page):
    rows = page.grouping.choice.head(3).assign(
        chosen=[True, False, False],
        sound=False,
        stability=[0.9, 0.1, 0.9],
        between=[0.9, 0.9, 0.1],
        smallest=[0.4, 0.4, 0.0],
    )
    shown = differentiation.choice_table(replace(page.grouping, choice=rows))
    assert {row[-1] for row in shown.rows} == {"not apart", "not stable, not apart", "a tiny group"}
    assert [row[0].endswith("(taken)") for row in shown.rows] == [True, False, False]


def test_a_ledger_without_goods_says_nothing_of_needs(page):
    for block, said in (("basket", True), ("categories", False)):
        trait = replace(next(iter(page.needs.about.values())), block=block)
        about = differentiation.about_needs(page.chapter, replace(page.needs, about={"one": trait}))
        assert about is not None
        assert ("The ledger names no goods" in about.reason) is said


def test_traits_that_look_alike_in_all_groups_are_not_drawn(page):
    counted = next(name for name, trait in page.needs.about.items() if trait.unit == "money")
    same = page.needs.features.assign(**{counted: 5.0})
    drawn = set(cluster_portraits.profile(page.needs, page.grouping, page.names)["trait"])
    alike = cluster_portraits.profile(replace(page.needs, features=same), page.grouping, page.names)
    assert drawn - set(alike["trait"]) == {counted}


def test_everything_is_shown(page):
    assert not [shown for shown in page.shown() if shown is None or isinstance(shown, Unsaid)]


def test_actions_of_pieces_that_are_no_groups_say_so(page):
    for clear in (True, False):
        grouping = replace(page.grouping, clear=clear)
        shown = value_by_needs.action_table(page.cells, page.needs, page.names, grouping)
        assert ("handy pieces" in str(shown._repr_mimebundle_()["text/plain"])) is not clear


def test_who_buys_half_at_a_discount_is_not_said_to_buy_without(page):
    name = next(feature for feature, trait in page.needs.about.items() if trait.block == "discount")
    less = {"feature": name, "difference": -0.9, "value": 0.38, "base": 0.54}
    for value, said in ((0.38, "find out by lot"), (0.0, "they buy without")):
        row = SimpleNamespace(distinguishing=[less | {"value": value}])
        assert said in value_by_needs.lever(page.needs, row)


def test_personal_keys_are_not_shown(page):
    named = page.table.with_columns(customer=pl.format("+7 900 123-45-{}", pl.col("customer").str.slice(2)))
    shown = cluster_portraits.members_table(page.chapter, page.needs, page.names, named)
    assert isinstance(shown, Unsaid)
    assert "personal" in shown.reason


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Leave a run that ended a year before, with its groups."""
    folder = tmp_path_factory.mktemp("over") / "2022"
    then = Page(opened(folder.parent, planted(until=dt.date(2022, 12, 31)), as_of=dt.date(2022, 12, 31), clusters=2))
    differentiation.write_tables(then.chapter, then.table, then.needs, then.grouping)
    (folder / "tables").mkdir(parents=True)
    for table in ("segments", "cluster_centres"):
        write_table(folder, table, pl.read_parquet(then.chapter.folder / "tables" / f"{table}.parquet"))
    (folder / "run.json").write_text(json.dumps({"as_of": "2022-12-31", "status": "succeeded"}), encoding="utf-8")
    return folder.parent


class TestOverTime:
    def test_who_buys_like_another_group_now_is_listed(self, before):
        now = Page(opened(before, planted(swapped=(10,)), clusters=2))
        moves = clusters_over_time.movement(now.chapter, now.grouping, now.table)
        assert moves.then == dt.date(2022, 12, 31)
        assert moves.moved["customer"].to_list() == ["0010"]
        assert not isinstance(clusters_over_time.movement_table(moves, now.names), Unsaid)
        assert clusters_over_time.write_moved(now.chapter, moves, now.table) == 1
        file = now.chapter.folder / "lists" / "moved_between_clusters.csv"
        with file.open(encoding="utf-8-sig") as rows:
            (row,) = csv.DictReader(rows)
        assert row["customer"] == "0010"
        assert row["group_then"] != row["group_now"]
        today = now.table.filter(customer="0010")["cluster_name"].item()
        assert row["group_found_anew"] == today
        clusters_over_time.state_findings(now.chapter, moves)
        assert "1 customer (1%) moved to another" in now.chapter.findings().findings[0].statement
        said = clusters_over_time.in_words(replace(moves, clear=False))
        assert said is not None
        assert "handy pieces of a continuum" in said.reason
        assert "by chance" in said.reason
        clusters_over_time.state_findings(now.chapter, replace(moves, clear=False))
        assert "moved to another" not in now.chapter.findings().findings[-1].statement

    def test_without_an_earlier_run_a_sentence_says_so(self, page):
        moves = clusters_over_time.movement(page.chapter, page.grouping, page.table)
        assert isinstance(moves, Unsaid)
        assert clusters_over_time.write_moved(page.chapter, moves, page.table) == 0
        assert clusters_over_time.in_words(moves) is None

    def test_why_there_are_no_groups_is_stated_once(self, page, tmp_path):
        chapter = opened(tmp_path, "a,2023-05-01,5,x,1,0\nb,2023-06-01,7,x,1,0\n")
        none = differentiation.clusters(chapter, differentiation.needs(chapter))
        differentiation.state_findings(chapter, none, none, none, page.cells)
        clusters_over_time.state_findings(chapter, clusters_over_time.movement(chapter, none, page.table))
        assert [finding.id for finding in chapter.findings().findings] == ["clusters"]

    def test_a_run_of_an_older_suite_is_passed_over(self, page, tmp_path):
        run = tmp_path / "older"
        (run / "tables").mkdir(parents=True)
        (run / "run.json").write_text(json.dumps({"as_of": "2022-06-30", "status": "succeeded"}), encoding="utf-8")
        write_table(run, "segments", pl.DataFrame({"customer": ["0001"], "cluster": [1], "cluster_name": ["regular"]}))
        chapter = opened(tmp_path, planted())
        assert isinstance(clusters_over_time.movement(chapter, page.grouping, page.table), Unsaid)


@pytest.fixture(scope="module")
def stake(page: Page) -> value_at_stake.AtStake:
    return value_at_stake.at_stake(page.chapter)


class TestAtStake:
    def test_the_groups_of_each_kind_add_up_to_the_base(self, stake):
        assert set(stake.groups["by"]) >= {value_at_stake.BY_TIER}
        for _, groups in stake.groups.groupby("by"):
            assert groups["customers"].sum() == 100
            for column in SUMS:
                assert groups[column].sum() == pytest.approx(stake.base[column]), column

    def test_the_groups_by_needs_add_up_to_the_base_too(self, page, stake):
        by_needs: Any = value_by_needs.at_stake(page.chapter, page.table, value_tiers.futures(page.chapter))
        assert list(by_needs.groups["group"].str[:2]) == ["1:", "2:", "to"]
        for column in ("customers", *SUMS):
            assert by_needs.groups[column].sum() == pytest.approx(by_needs.base[column]), column
        pd.testing.assert_series_equal(by_needs.base, stake.base)
        shown: Any = value_by_needs.stake_table(page.chapter, by_needs)
        assert [row[0] for row in shown.rows] == [*by_needs.groups["group"], "all"]

    @pytest.mark.parametrize(
        ("times", "said"),
        [
            (1.0, "no further apart than chance puts groups of these sizes, so needs don't tell whom to hold"),
            (1.07, "more than chance, but in no group 10% or more above all others"),
            (2.0, "For what it is worth, most is at stake in the group 'a'"),
        ],
    )
    def test_where_most_is_at_stake_for_its_value_is_said_beyond_chance(self, page, times, said):
        """Shares at stake of 9 to 11% by turns, times so much in the first group; who has no group isn't looked at."""
        group = ["1: a", "2: b", value_by_needs.TOO_SELDOM, None]
        rows = pl.DataFrame({value_by_needs.BY_NEEDS: [name for name in group for _ in range(100)], "value": 90.0})
        lost = 10.0 + np.tile([-1.0, 1.0], 200)
        rows = rows.with_columns(at_stake=pl.Series(lost * np.repeat([times, 1.0, 9.0, 9.0], 100)))
        sums = (
            rows.drop_nulls()
            .group_by(pl.col(value_by_needs.BY_NEEDS).alias("group"))
            .agg(pl.col("value", "at_stake").sum())
        )
        whole = sums.sort("group").to_pandas().assign(at_stake_low=np.nan, at_stake_high=np.nan)
        stake = value_at_stake.AtStake(whole.iloc[0], whole, rows)
        for clear in (True, False):
            value_by_needs.state_stake(page.chapter, stake, replace(page.grouping, clear=clear))
            finding = page.chapter.findings().findings[-1]
            assert said in finding.statement
            assert ("handy pieces" in finding.statement) is (times == 2.0 and not clear)
        assert value_by_needs.TOO_SELDOM not in finding.statement
        assert finding.value == pytest.approx(10 * times / (90 + 10 * times), rel=1e-3)
        assert ("USD 1,000, goes with 'a'" in finding.statement) is (times == 1.0)

    def test_small_groups_of_unlike_customers_arent_told_apart(self, page):
        """The one with most is 2.9 times the other, as large a difference as three customers make by chance."""
        rows = pl.DataFrame({value_by_needs.BY_NEEDS: ["1: a"] * 3 + ["2: b"] * 3, "value": 90.0})
        rows = rows.with_columns(at_stake=pl.Series([2.0, 3.0, 40.0, 4.0, 5.0, 6.0]))
        sums = rows.group_by(pl.col(value_by_needs.BY_NEEDS).alias("group")).agg(pl.col("value", "at_stake").sum())
        whole = sums.sort("group").to_pandas().assign(at_stake_low=np.nan, at_stake_high=np.nan)
        value_by_needs.state_stake(page.chapter, value_at_stake.AtStake(whole.iloc[0], whole, rows), page.grouping)
        assert "than chance puts groups of these sizes" in page.chapter.findings().findings[-1].statement

    def test_without_groups_by_needs_nothing_is_shown_or_stated(self, page):
        nobody = page.table.with_columns(cluster=None, cluster_name=None)
        none = value_by_needs.at_stake(page.chapter, nobody, value_tiers.futures(page.chapter))
        assert none is value_by_needs.stake_table(page.chapter, none) is None

    def test_what_is_at_stake_is_within_its_interval_and_shown(self, page, stake):
        assert stake.base["at_stake_low"] < stake.base["at_stake"] < stake.base["at_stake_high"]
        assert stake.base["value"] == pytest.approx(page.chapter.table("lifetime_value")["clv"].sum())
        heads = value_at_stake.stake_table(page.chapter, stake).headings
        assert {"revenue at stake", "lifetime value at stake"} <= set(heads)
        assert not isinstance(stake_figures.at_stake(stake, "USD", 365, 0.8), Unsaid)


@pytest.mark.parametrize(
    "rows",
    [
        "only,2023-01-01,10\n",
        "".join(f"c{n},2023-05-05,{n + 1}\n" for n in range(40)),
        "".join(f"c{n % 30},2023-{1 + n % 12:02d}-{1 + n % 28:02d},0\n" for n in range(200)),
    ],
    ids=["one customer", "one day", "free"],
)
def test_a_base_that_says_little_is_told_so(rows, tmp_path):
    chapter = opened(tmp_path, rows, "customer,date,amount")
    page = Page(chapter)
    reasons = [shown.reason for shown in page.shown() if isinstance(shown, Unsaid)]
    # of needs: in each section once
    assert max(map(reasons.count, reasons), default=0) <= 3
    assert len(page.table) == len(chapter.table("lifetime_value"))
    stake = value_at_stake.at_stake(chapter)
    value_at_stake.state_findings(chapter, stake)
    said = [*page.findings().values(), *(str(value_at_stake.stake_table(chapter, stake)),)]
    assert said
    assert not [words for words in said if pd.Series(words).str.contains(r"\b(?:nan|None|inf|NaN)\b").any()]
