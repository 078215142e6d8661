"""Steps of `05_retention`: when, whom and why the business loses, and what keeping them is worth."""
