"""The centre: receives, verifies, stores and serves sealed footage."""
