"""Who of a list is held out, so that what the list did can be measured: a draw that anybody can repeat.

A customer is held out by a keyed hash of the key, not by a stream of random numbers: the draw is then the same
whatever the order of the rows, and knowing one list tells nothing about another.
"""

import datetime as dt
import hashlib
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

import numpy as np


def control_group_size(customers: int, share: float) -> int:
    """Return how many of so many customers are held out: their share, halves rounded up.

    Parameters
    ----------
    customers : int
        At least 0.
    share : float
        From 0 to below 1.

    Returns
    -------
    int
        0 where the share of so few is less than half a customer.

    Raises
    ------
    ValueError
        If the share is no share below 1.
    """
    if not 0 <= share < 1:
        raise ValueError(f"share is {share}; it must be at least 0 and below 1.")
    # in decimals, so that 0.29 of 50 is 14.5 and not the binary number below it
    return int((Decimal(str(share)) * customers).to_integral_value(ROUND_HALF_UP))


def draw_control_group(
    customers: Sequence[str], share: float, seed: int, as_of: dt.date, stratum: str = ""
) -> np.ndarray:
    """Draw the customers of a list who are held out.

    Parameters
    ----------
    customers : sequence of str, of length n
        Their keys, each once.
    share : float
        From 0 to below 1.
    seed : int
    as_of : datetime.date
        Draws of different days are independent.
    stratum : str, default ""
        Name of the list; draws of different lists are independent.

    Returns
    -------
    ndarray of bool, of shape (n,)
        True for the `control_group_size` customers whose hashes are the smallest.

    Raises
    ------
    ValueError
        If a key stands twice, or the share is no share below 1.
    """
    held_out = np.zeros(len(customers), dtype=bool)
    size = control_group_size(len(customers), share)
    if len(set(customers)) < len(customers):
        raise ValueError("A customer stands twice in the list; a control group is drawn from customers, each once.")
    if size:
        key = hashlib.blake2b(f"{seed}\n{as_of.isoformat()}\n{stratum}".encode()).digest()
        hashes = np.array([_hash(key, customer) for customer in customers], dtype=np.uint64)
        held_out[np.argsort(hashes, kind="stable")[:size]] = True
    return held_out


def _hash(key: bytes, customer: str) -> int:
    # surrogates can't be encoded strictly, and a key may hold anything
    text = customer.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8, key=key).digest(), "big")
