"""(a) The design of the Channels tutorial, with a database: daphne, the `core` layer, a consumer a socket."""
