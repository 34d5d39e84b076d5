"""Rules edited while everything runs: what may be edited, what an edit would have changed, in which edition it stands."""
