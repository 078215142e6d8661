"""Figures of `04_lifetime_value`: what customers will buy and bring, and how well that forecast held."""
