"""A Parley client as a mobile developer would write it, from PROTOCOL.md and API.md alone."""
