"""Bundles as files: a plain zip of a bag (RFC 8493) with a signed envelope, written and checked."""
