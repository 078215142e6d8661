"""Side by side with lifetimes and others, as ratios of times measured in turn."""
