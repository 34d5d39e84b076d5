"""What a customer is worth, what keeps it, and why: figures that explain themselves. Pure."""
