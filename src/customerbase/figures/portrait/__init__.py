"""Figures of `02_portrait`: what the base is like, and where it is moving."""
