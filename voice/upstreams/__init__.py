"""What asking another server takes, whatever it is asked for: keys in turn, tries, and leaving it alone while it is broken."""
