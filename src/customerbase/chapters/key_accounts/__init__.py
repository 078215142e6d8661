"""Steps of `07_key_accounts`: on whom the business depends."""
