"""A live conversation: who speaks when, what was said, what is answered."""
