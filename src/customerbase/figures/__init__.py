"""The figures of each chapter."""
