"""Reads evidence: JSON, NDJSON, CSV and Parquet become rows and figures that gates can judge."""
