"""The ears: outside words become house events; pure translators without I/O."""
