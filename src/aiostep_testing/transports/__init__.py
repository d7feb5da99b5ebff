"""Shells over World.call that speak to a framework in process, one module per framework."""
