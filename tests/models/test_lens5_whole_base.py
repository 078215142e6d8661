"""Lens 5 on a base worked out by hand: what each cohort has brought."""

import pandas as pd
import pytest

from models.lens5_whole_base import base_by_cohort
from tests.models.audited_base import YEAR_2024


def test_the_whole_base(audited_days):
    base = base_by_cohort(audited_days, YEAR_2024, "year")
    assert base["cohort"].dt.year.tolist()[:3] == [2022, 2023, 2024]
    assert pd.isna(base["cohort"].iloc[3])
    assert base["customers"].tolist() == [1, 2, 2, 0]
    assert base["active"].tolist() == [1, 1, 2, 0]
    assert base["revenue"].tolist() == [100, 600, 580, 0]
    assert base["revenue_latest"].tolist() == [75, 300, 580, 0]
    assert base["profit_latest"].sum() == pytest.approx(477.5)
