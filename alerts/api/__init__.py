"""The REST API: tasks, dispositions, customers, the outbound queue, reports. Described by its own OpenAPI document."""
