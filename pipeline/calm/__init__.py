"""What the crowd does at this moment, and what it says of one line's drop (docs/adr/0050-the-crowd.md)."""
