"""Who buys when, what they buy, what comes back: the true order lines."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from models.simulation import simulate_histories, simulate_spend

from .segments import (
    CATEGORIES,
    COMPENSATION,
    FIRST_DAY,
    KEY_SHARE,
    LAST_DAY,
    LEFT,
    LEFT_ON,
    PRODUCTS,
    TOOK_OVER,
    Product,
    Segment,
)
from .trading_days import DAYS, days_of, open_day_from

DAYS_A_WEEK = 7
WEEKS_AHEAD = 52

#: Chances: that a line comes back; that only the product says which it was, where the customer bought it once; that
#: money is given back and nothing comes; that an order holds one line twice.
RETURNED, TOLD_BY_PRODUCT, COMPENSATED, TWICE = 0.022, 0.6, 0.05, 0.012
PRICE_STEP, COST_STEP = 0.02, 0.023  # dearer every quarter, and costs grow faster than prices
PROMOTION, PROMOTION_MONTHS = 3, (1, 2)  # percent
HISTORY = ("frequency", "recency", "alive", "purchases_ahead")
MONEY = pl.Decimal(15, 2)


def draw_buyers(
    segments: Sequence[Segment], random: np.random.Generator
) -> tuple[pl.DataFrame, dict[str, list[dt.date]]]:
    """Draw customers who come, buy, and are lost, by the BG/NBD model.

    Returns
    -------
    buyers : polars.DataFrame
        customer, segment, acquired, orders, alive (not lost by the last day), orders_next_year (which they will
        make in the 52 weeks after it).
    orders : dict
        The days of each customer's orders, in their sequence.
    """
    buyers: list[dict[str, Any]] = []
    orders = {}
    for segment in segments:
        first = random.random(segment.customers) ** segment.early * DAYS * 0.97
        histories = simulate_histories(
            "bgnbd", segment.buying, (DAYS - first) / DAYS_A_WEEK, ahead=WEEKS_AHEAD, seed=random
        )
        drawn = zip(first, *(histories[name] for name in HISTORY), strict=True)
        for came, repeats, recency, alive, ahead in drawn:
            last = came + recency * DAYS_A_WEEK
            # given the last purchase, the repeats before it are uniform up to it
            between = random.uniform(came, last, max(repeats - 1, 0))
            clock = np.sort([came, *between, *[last] * (repeats > 0)])
            name = f"P{len(buyers) + 1:04d}"
            orders[name] = days_of(clock)
            buyers.append(
                {
                    "customer": name,
                    "segment": segment.name,
                    "acquired": orders[name][0],
                    "orders": len(clock),
                    "alive": bool(alive),
                    "orders_next_year": int(ahead),
                }
            )
        for _ in range(segment.prospects):
            name = f"P{len(buyers) + 1:04d}"
            talked = open_day_from(FIRST_DAY + dt.timedelta(int(random.integers(DAYS - 60))))
            orders[name] = []
            buyers.append(
                {
                    "customer": name,
                    "segment": segment.name,
                    "acquired": talked,
                    "orders": 0,
                    "alive": False,
                    "orders_next_year": 0,
                }
            )
    return pl.DataFrame(buyers), orders


def draw_lines(
    people: pl.DataFrame,
    orders: dict[str, list[dt.date]],
    segments: Sequence[Segment],
    random: np.random.Generator,
    key_share: float = KEY_SHARE,
) -> pl.DataFrame:
    """Fill the orders with lines, and take some of them back.

    Parameters
    ----------
    people : polars.DataFrame
        The true customers.
    orders : dict
        The days of each customer's orders.
    segments : sequence of Segment
    random : numpy.random.Generator
    key_share : float, default 0.22
        Share of all revenue, about, of the one customer of the segment "key".

    Returns
    -------
    polars.DataFrame
        One row an order line or a return, in the sequence of the books: line (number), customer, order, date,
        kind (sale or return), product, category, quantity, unit_price, discount, amount, cost, manager, department,
        repeated (the same as the line before it, and meant), undoes (the line that a return takes back; null for
        a sale and for a compensation) and order_told (whether the books say which order it was). Money is exact, in
        roubles; quantity, discount, amount and cost of a return are below zero.
    """
    by_name = {segment.name: segment for segment in segments}
    drafts = []
    for person in people.iter_rows(named=True):
        segment = by_name[person["segment"]]
        number = len(orders[person["customer"]])
        worth = simulate_spend(np.ones((1, number), dtype=int), **segment.spending, seed=random)[0] if number else []
        tastes = random.dirichlet(np.array(segment.tastes) + 0.05)
        for day, target in zip(orders[person["customer"]], worth, strict=True):
            drafts.append((day, person, segment, tastes, float(target)))
    others = sum(target for _, _, segment, _, target in drafts if segment.name != "key")
    of_key = sum(target for _, _, segment, _, target in drafts if segment.name == "key")
    scale = others * key_share / (1 - key_share) / of_key
    drafts.sort(key=lambda draft: (draft[0], draft[1]["customer"]))
    sales: list[dict[str, Any]] = []
    numbers: dict[int, int] = defaultdict(int)
    for day, person, segment, tastes, target in drafts:
        numbers[day.year] += 1
        order = f"РТ{day:%y}-{numbers[day.year]:05d}"
        sales += _order(day, order, person, segment, tastes, target * (scale if segment.name == "key" else 1), random)
    for number, sale in enumerate(sales):
        sale["line"] = number
    lines = sales + _returns(sales, random)
    lines.sort(key=lambda line: (line["date"], line["kind"] == "return", line["line"]))
    return _numbered(pl.DataFrame(lines, infer_schema_length=None))


def _order(
    day: dt.date,
    order: str,
    person: dict[str, Any],
    segment: Segment,
    tastes: np.ndarray,
    target: float,
    random: np.random.Generator,
) -> list[dict[str, Any]]:
    weights = np.array([tastes[CATEGORIES.index(product.category)] for product in PRODUCTS])
    weights *= [max(1, 40_000 / product.price) ** 0.2 for product in PRODUCTS]
    number = min(1 + random.poisson(segment.lines), 7)
    chosen = random.choice(len(PRODUCTS), number, replace=False, p=weights / weights.sum())
    shares = random.dirichlet(np.full(number, 2.0))
    lines = [
        _line(day, order, person, PRODUCTS[product], share * target, random)
        for product, share in zip(chosen, shares, strict=True)
    ]
    if random.random() < TWICE:
        lines.append(lines[-1] | {"repeated": True})
    return lines


def _line(
    day: dt.date,
    order: str,
    person: dict[str, Any],
    product: Product,
    target: float,
    random: np.random.Generator,
) -> dict[str, Any]:
    quarter = (day.year - FIRST_DAY.year) * 4 + (day.month - 1) // 3
    price = round(product.price * (1 + PRICE_STEP) ** quarter, -1) * 100
    cost = product.price * 100 * product.cost_share * (1 + COST_STEP) ** quarter * random.normal(1, 0.02)
    percent = person["volume_discount"] + (PROMOTION if day.month in PROMOTION_MONTHS and random.random() < 0.5 else 0)
    quantity = max(1, round(target / (price / 100) / (1 - percent / 100)))
    discount = round(quantity * price * percent / 100)
    manager = person["manager"]
    return {
        "customer": person["customer"],
        "order": order,
        "date": day,
        "kind": "sale",
        "product": product.name,
        "category": product.category,
        "quantity": quantity,
        "unit_price": int(price),
        "discount": discount,
        "amount": int(quantity * price - discount),
        "cost": round(quantity * cost),
        "manager": TOOK_OVER if manager == LEFT and day >= LEFT_ON else manager,
        "department": person["department"],
        "repeated": False,
        "undoes": None,
        "order_told": True,
    }


def _returns(sales: list[dict[str, Any]], random: np.random.Generator) -> list[dict[str, Any]]:
    """Take sales back, in whole or in part; what is repeated is left alone, so that each return undoes one line."""
    stands_twice = {(sale["order"], sale["product"]) for sale in sales if sale["repeated"]}
    times_bought = Counter((sale["customer"], sale["product"]) for sale in sales)
    returns = []
    for sale in sales:
        if (
            sale["category"] == "Услуги"
            or (sale["order"], sale["product"]) in stands_twice
            or random.random() > RETURNED
        ):
            continue
        day = open_day_from(sale["date"] + dt.timedelta(int(random.integers(2, 26))))
        if day > LAST_DAY:
            continue
        back = sale | {"date": day, "kind": "return", "undoes": sale["line"]}
        quantity = sale["quantity"] if random.random() < 0.4 else int(random.integers(1, sale["quantity"] + 1))
        chance = random.random()
        if chance < COMPENSATED:
            money = round(sale["amount"] * 0.05)
            back |= {"product": COMPENSATION, "category": "Услуги", "undoes": None, "order_told": False}
            back |= {"quantity": -1, "unit_price": money, "discount": 0, "amount": -money, "cost": 0}
        else:
            for part in ("discount", "amount", "cost"):
                back[part] = -round(sale[part] * quantity / sale["quantity"])
            by_product = chance < COMPENSATED + TOLD_BY_PRODUCT
            told_twice = times_bought[sale["customer"], sale["product"]] > 1
            back |= {"quantity": -quantity, "order_told": told_twice or not by_product}
        returns.append(back)
    return returns


def _numbered(lines: pl.DataFrame) -> pl.DataFrame:
    """Give the lines the numbers of their sequence, and have the returns point to the new numbers."""
    lines = lines.rename({"line": "drafted"}).with_row_index("line")
    is_sale = pl.col("kind") == "sale"
    drafted = lines.filter(is_sale).select(pl.col("drafted").alias("undoes"), pl.col("line").alias("undone"))
    return (
        lines.join(drafted, on="undoes", how="left", maintain_order="left")
        .with_columns(
            pl.col("undone").alias("undoes"),
            *(
                (pl.col(money).cast(pl.Decimal(17, 2)) / 100).cast(MONEY)
                for money in ("unit_price", "discount", "amount", "cost")
            ),
        )
        .drop("undone", "drafted")
    )
