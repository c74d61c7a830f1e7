"""Speed of viaduct beside its rivals, measured in the same run. Started by tools/bench."""
