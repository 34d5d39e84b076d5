"""Named detectors: one family a file, one protocol, one registry."""
