"""Figures of `01_identify`: who the customers are, and what in the ledger can't be trusted."""
