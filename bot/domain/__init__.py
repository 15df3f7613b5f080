"""The language of the house: pure values and rules, standard library and pydantic only."""
