"""Waiting for a condition with a deadline; the only place of the tier that pauses."""

import select
import time


def until(condition, what, seconds=10.0):
    """The first true value of `condition()`; fails naming `what` after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            raise AssertionError(f"after {seconds} s still not: {what}")
        select.select([], [], [], 0.01)
