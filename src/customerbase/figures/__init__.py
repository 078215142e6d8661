"""The figures: a folder a chapter, beside the look that all share."""
