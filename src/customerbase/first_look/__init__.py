"""A first look at a file: what it seems to hold, the parameter file that says so, and a preview."""
