"""The values of an account: names, configurations, records, errors. Nothing changes them."""
