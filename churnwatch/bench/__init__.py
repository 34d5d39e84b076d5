"""Performance: synthetic load, the product's own processes under it, and the figures beside their bars."""
