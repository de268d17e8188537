"""What is said on the wire and how it gets on the bus. Vocabulary: no models, no connections."""
