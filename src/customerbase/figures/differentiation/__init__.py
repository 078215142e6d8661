"""Figures of `06_differentiation`: how customers differ in value and in needs."""
