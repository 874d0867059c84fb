"""How figures, signs and addresses are read aloud. One file reads one kind of thing; each makes the rules for a language."""
