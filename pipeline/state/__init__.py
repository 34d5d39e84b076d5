"""What is remembered of lines and accounts: columns in pages, decayed sums, cases, duplicates, snapshots."""
