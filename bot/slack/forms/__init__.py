"""Forms: what is asked in a modal, and what is made of the answers."""
