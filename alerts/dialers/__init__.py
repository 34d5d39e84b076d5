"""Telephone systems that ring for us: what each is handed, how what they say comes back."""
