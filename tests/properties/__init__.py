"""What must hold for every input, tried on random ones."""
