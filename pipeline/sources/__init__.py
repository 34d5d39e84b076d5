"""Where records come from: one file a format, each yielding records of the contract or refusals."""
