"""What to do: tasks, queue, console, reports. Imports `models` and `pipeline`."""
