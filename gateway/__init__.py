"""Who is connected: authentication of sockets, consumers, commands, the hub, the server. No ORM."""
