"""The socket contract, on a real server; the hub's parts on their own."""
