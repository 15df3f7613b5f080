"""Slack: sending notices, knowing people, and checking what the app may do."""
