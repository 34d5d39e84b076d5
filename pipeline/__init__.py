"""What happened: contracts, sources, columns, state, features, signals, engine. Imports nothing of ours."""
