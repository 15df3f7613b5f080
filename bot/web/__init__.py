"""The web process: webhooks, JSON API, pages, health and metrics."""
