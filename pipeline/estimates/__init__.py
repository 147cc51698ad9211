"""Tables that Python makes: one module per family, found by folder."""
