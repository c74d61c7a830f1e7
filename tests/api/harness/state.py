"""Reads state.db from outside, with Python's sqlite3, never with viaduct's own code."""

import json
import sqlite3
import subprocess
import sys

TABLES = ("network", "endpoint", "pool", "address")

# What promises are kept in. An address that rests after its release is nobody's.
_VIEWS = {"pool": "pools", "network": "networks", "endpoint": "endpoints", "address": "addresses WHERE rest IS NULL"}

# The same where the file is on a mount that only the daemon's namespace has.
_ELSEWHERE = """
import json, sqlite3, sys
db = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True, timeout=5)
db.row_factory = sqlite3.Row
print(json.dumps([dict(row) for row in db.execute(f"SELECT * FROM {sys.argv[2]}")]))
"""


class State:
    """`enter` is a command that runs another one in the daemon's mount namespace; without it the file is opened from here."""

    def __init__(self, path, enter=None):
        self.path = path
        self.enter = enter

    def rows(self, table):
        """Every row, of table address those that are held; see resting()."""
        return self._select(_VIEWS.get(table, table))

    def resting(self):
        return self._select("addresses WHERE rest IS NOT NULL")

    def _select(self, table):
        if self.enter is not None:
            done = subprocess.run([*self.enter, sys.executable, "-c", _ELSEWHERE, str(self.path), table],
                                  capture_output=True, text=True, timeout=30, check=True)
            return json.loads(done.stdout)
        db = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=5)
        try:
            db.row_factory = sqlite3.Row
            return [dict(row) for row in db.execute(f"SELECT * FROM {table}")]
        finally:
            db.close()

    def dump(self):
        """Every row of the tables that record promises, comparable before and after."""
        return {table: sorted((tuple(sorted((k, repr(v)) for k, v in row.items())) for row in self.rows(table)))
                for table in TABLES}

    def counts(self):
        return {table: len(self.rows(table)) for table in TABLES}
