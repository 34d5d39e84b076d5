"""What is known of a line at a moment, as numbers: facts for signals, features for models."""
