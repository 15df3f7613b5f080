"""The mathematics of canaries, drift and gates; numpy and scipy load on need (extra `stats`)."""
