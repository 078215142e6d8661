"""A run: every chapter on one customer base, its pages, findings and tables, in a folder that appears whole."""

from .run import RunResult, run_suite

__all__ = ["RunResult", "run_suite"]
