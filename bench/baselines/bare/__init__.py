"""(e) The limit: every message is framed once and the same bytes are written to each socket. Nothing else."""
