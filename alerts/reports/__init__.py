"""Management reports: pure functions of what Kafka holds, for a month."""
