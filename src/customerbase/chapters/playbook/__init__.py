"""Steps of `08_playbook`: what to do with each customer, and what it was good for."""
