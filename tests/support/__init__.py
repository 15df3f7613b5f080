"""Support for tests: real servers started on free ports, and fakes that behave."""
