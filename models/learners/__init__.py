"""Learners behind one protocol; River's at the centre."""
