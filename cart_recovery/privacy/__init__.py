"""A person's data: shown to them, proved, deleted on request, and deleted when its time is over."""
