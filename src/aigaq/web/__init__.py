"""The shell of every page: layout, languages, security headers, static files, error pages."""
