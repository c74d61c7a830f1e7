"""What a node's viaduct has written down, read from its state file as often as one likes: with SQLite, without a process."""

import json
import sqlite3
from contextlib import closing


class Records:
    def __init__(self, database):
        self.database = database

    def query(self, sql):
        """Rows as tuples. Readers of a database in WAL mode hold nobody up."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=5)) as connection:
            return connection.execute(sql).fetchall()

    def pools(self):
        """pool id → how many networks hold it."""
        return dict(self.query("SELECT key, refs FROM pools"))

    def held(self, space=None):
        """"space/address" → class, of addresses that are held."""
        rows = self.query("SELECT key, class FROM addresses WHERE rest IS NULL")
        found = {f"{key.split('/')[0]}/{key.split('/')[-1]}": kind for key, kind in rows}
        return {key: kind for key, kind in found.items() if space is None or key.startswith(f"{space}/")}

    def epoch(self):
        return json.loads(dict(self.query("SELECT key, value FROM meta"))["epoch"])

    def terms(self):
        """Of what is held for a Swarm: "global/address" → the epoch in which it was asked for last."""
        rows = self.query("SELECT key, value FROM addresses WHERE rest IS NULL AND key LIKE 'global/%'")
        return {f"global/{key.split('/')[-1]}": json.loads(value)["epoch"] for key, value in rows}

    def addresses(self):
        """Keys of all addresses, those that rest after their release as well."""
        return [key for key, in self.query("SELECT key FROM address")]

    def networks(self):
        return [key for key, in self.query("SELECT key FROM network")]

    def endpoints(self):
        """endpoint id → address without its length."""
        rows = self.query("SELECT key, address FROM endpoints")
        return {key.split("/")[1]: str(address or "").partition("/")[0] for key, address in rows}

    def network(self, network):
        """The record of one network, or None."""
        rows = self.query("SELECT key, value FROM network")
        return next((json.loads(value) for key, value in rows if key == network), None)
