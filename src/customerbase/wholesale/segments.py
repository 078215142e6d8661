"""What the wholesaler sells and to whom: the settings of the simulation, in one place.

Time is in weeks of the trade's own clock (see `trading_days`), money in roubles.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import NamedTuple

FIRST_DAY = dt.date(2023, 1, 1)
LAST_DAY = dt.date(2025, 12, 31)

WHOLESALE, RETAIL, PROJECTS = "Опт", "Розница", "Проекты"


class Segment(NamedTuple):
    """Customers who buy alike.

    Attributes
    ----------
    name : str
    customers, prospects : int
        Those who bought, and those who were only ever offered something.
    private, sole_traders : float
        Shares of private people and of sole traders; the others are companies.
    department : str
        Who sells to them.
    buying : mapping
        Parameters of the BG/NBD model: how often they buy and how soon they are lost.
    spending : mapping
        Parameters of the gamma-gamma model: what an order is worth.
    tastes : tuple of float
        Weights of the `CATEGORIES`.
    lines : float
        Mean number of lines of an order beyond the first.
    discounts : tuple of int
        Volume discounts given, in percent.
    early : float
        Above 1, more of them came in the first months; 1 is evenly.
    """

    name: str
    customers: int
    prospects: int
    private: float
    sole_traders: float
    department: str
    buying: Mapping[str, float]
    spending: Mapping[str, float]
    tastes: tuple[float, ...]
    lines: float
    discounts: tuple[int, ...]
    early: float


CATEGORIES = ("Окна", "Двери входные", "Двери межкомнатные", "Подоконники", "Фурнитура", "Услуги")

SEGMENTS = (
    Segment(
        "retail",
        275,
        4,
        1.0,
        0.0,
        RETAIL,
        {"r": 0.35, "alpha": 45.0, "a": 1.2, "b": 1.6},
        {"p": 4.0, "q": 4.0, "v": 66_000.0},
        (5, 2, 4, 2, 1, 3),
        1.3,
        (0, 0, 0, 0, 3),
        1.0,
    ),
    Segment(
        "installer",
        190,
        6,
        0.0,
        0.55,
        WHOLESALE,
        {"r": 0.9, "alpha": 9.0, "a": 0.7, "b": 4.0},
        {"p": 3.0, "q": 4.0, "v": 140_000.0},
        (7, 1, 1, 3, 3, 1),
        1.6,
        (0, 3, 3, 5, 7),
        1.0,
    ),
    Segment(
        "dealer",
        26,
        2,
        0.0,
        0.15,
        WHOLESALE,
        {"r": 2.5, "alpha": 9.0, "a": 0.4, "b": 10.0},
        {"p": 3.0, "q": 4.0, "v": 420_000.0},
        (3, 5, 6, 2, 4, 0),
        2.0,
        (7, 10, 12, 15),
        1.3,
    ),
    Segment(
        "builder",
        18,
        2,
        0.0,
        0.0,
        PROJECTS,
        {"r": 2.0, "alpha": 9.0, "a": 0.5, "b": 8.0},
        {"p": 3.0, "q": 3.5, "v": 520_000.0},
        (8, 3, 2, 3, 1, 1),
        1.8,
        (5, 7, 10, 12),
        1.4,
    ),
    # one builder of houses, who buys about once a week and never leaves
    Segment(
        "key",
        1,
        0,
        0.0,
        0.0,
        PROJECTS,
        {"r": 400.0, "alpha": 480.0, "a": 0.001, "b": 100.0},
        {"p": 6.0, "q": 4.0, "v": 500_000.0},
        (8, 3, 3, 3, 1, 1),
        1.8,
        (14,),
        30.0,
    ),
)

#: Share of all revenue that the one customer of the segment "key" brings.
KEY_SHARE = 0.22


class Product(NamedTuple):
    """What is sold: its price on the first day, and the share of it that it costs."""

    name: str
    category: str
    price: int
    cost_share: float


PRODUCTS = (
    Product("Окно ПВХ 600x600", "Окна", 6_900, 0.66),
    Product("Окно ПВХ 900x1200", "Окна", 11_400, 0.67),
    Product("Окно ПВХ 1300x1400", "Окна", 14_800, 0.66),
    Product("Окно ПВХ 1500x1500", "Окна", 17_900, 0.65),
    Product("Окно ПВХ 1800x1500", "Окна", 21_300, 0.65),
    Product("Окно деревянное 1300x1400", "Окна", 38_500, 0.72),
    Product("Блок балконный ПВХ", "Окна", 26_700, 0.68),
    Product("Дверь входная Д1", "Двери входные", 18_600, 0.70),
    Product("Дверь входная Д2", "Двери входные", 27_900, 0.69),
    Product("Дверь входная Д3 с терморазрывом", "Двери входные", 43_200, 0.66),
    Product("Дверь противопожарная", "Двери входные", 24_400, 0.74),
    Product("Дверь М1 белая", "Двери межкомнатные", 6_300, 0.70),
    Product("Дверь М2 дуб", "Двери межкомнатные", 8_900, 0.69),
    Product("Дверь М3 стекло", "Двери межкомнатные", 11_700, 0.67),
    Product("Дверь раздвижная", "Двери межкомнатные", 19_800, 0.68),
    Product("Подоконник 300 мм", "Подоконники", 890, 0.61),
    Product("Подоконник 500 мм", "Подоконники", 1_490, 0.60),
    Product("Отлив 200 мм", "Подоконники", 420, 0.58),
    Product("Откос; комплект", "Подоконники", 2_350, 0.62),
    Product("Ручка оконная", "Фурнитура", 480, 0.55),
    Product("Ручка дверная", "Фурнитура", 1_650, 0.57),
    Product("Замок врезной", "Фурнитура", 2_400, 0.59),
    Product("Петли; пара", "Фурнитура", 690, 0.56),
    Product("Сетка москитная", "Фурнитура", 1_250, 0.60),
    Product("Доставка", "Услуги", 3_500, 0.88),
    Product("Монтаж окна", "Услуги", 4_200, 0.83),
    Product("Монтаж двери", "Услуги", 5_100, 0.85),
)

#: Not a product: money given back after a complaint, with nothing brought back.
COMPENSATION = "Скидка по претензии"

#: Managers of each department. One left in 2024, and another took over.
MANAGERS: Mapping[str, tuple[str, ...]] = {
    WHOLESALE: ("Аксёнова Т.", "Быков Л.", "Дёмина Р."),
    RETAIL: ("Ежова С.", "Котов В."),
    PROJECTS: ("Носов Г.", "Пчёлкина Д."),
}
LEFT, TOOK_OVER, LEFT_ON = "Быков Л.", "Фомина Э.", dt.date(2024, 9, 1)

#: Where customers came from, with weights for private people and for companies, and the monthly budget.
CHANNELS = (
    ("сайт", 5, 3, 95_000),
    ("наружная реклама", 3, 1, 60_000),
    ("выставка", 0, 3, 45_000),
    ("холодный звонок", 0, 4, 40_000),
    ("рекомендация", 3, 3, 15_000),
)
REFERRAL = "рекомендация"
RETENTION = (("программа лояльности", 70_000), ("обучение дилеров", 35_000), ("сервисная бригада", 55_000))
