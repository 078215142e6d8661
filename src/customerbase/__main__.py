"""Lets ``python -m customerbase`` do what the command does."""

from .cli import main

main()
