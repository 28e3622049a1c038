"""What survives a restart: SQLite tables, content-addressed blobs, volume directories."""
