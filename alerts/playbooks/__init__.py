"""Playbooks: what to do about a reason in a segment, what may be offered, and whether it worked."""
