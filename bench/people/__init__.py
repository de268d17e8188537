"""Who takes part, made in bulk: no server is loaded before it is measured."""
