"""Steps of `03_abc_xyz`: who brings revenue and profit, how regularly, and who eats it."""
