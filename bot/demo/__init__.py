"""A story on embedded defaults: a bad model is serving, an alert comes in, the incumbent is restored and proven."""
