"""What must hold while the bus, the database, the network or a worker fails."""
