"""A Parley client as a mobile developer would write it, from docs/protocol.md and docs/rest.md alone."""
