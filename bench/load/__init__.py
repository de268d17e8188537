"""The client: a process of its own that plays one plan against one server and counts what comes back."""
