"""The box at the polling station: journal, spool, upload, health."""
