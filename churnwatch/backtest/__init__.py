"""A replay directory through the engine that the worker runs, judged by what really happened."""
