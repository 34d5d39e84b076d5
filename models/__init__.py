"""What to learn: labels, learners, exchange, explanation. Imports `pipeline` only."""
