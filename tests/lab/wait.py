"""Waiting for a condition, with a deadline."""

import time


def wait_until(condition, timeout, what="condition", interval=0.05):
    """Return the first true value of condition(); raise TimeoutError naming `what` when `timeout` seconds pass without one.

    An exception of the last attempt is kept as the cause, so that a test shows why the condition never held.
    """
    deadline = time.monotonic() + timeout
    failure = None
    while True:
        try:
            value = condition()
            failure = None
            if value:
                return value
        except Exception as error:  # the condition may look at things that do not exist yet
            failure = error
        if time.monotonic() >= deadline:
            raise TimeoutError(f"{what} did not hold within {timeout} s") from failure
        time.sleep(interval)
