"""Charts as SVG made on the server: pure functions from numbers to markup, colours by CSS class only (strict CSP)."""
